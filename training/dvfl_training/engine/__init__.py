"""The training engine: one loop for teachers and students, on one process or several."""
