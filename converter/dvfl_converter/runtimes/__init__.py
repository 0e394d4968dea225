"""Which released runtimes load an artifact, run it and are right, each asked in its own environment."""
