"""The demo student: which way does the camera move? Trained on clips rendered from photographs."""
