"""The training commands. These modules stay light: heavy imports belong inside the functions."""
