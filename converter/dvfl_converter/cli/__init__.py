"""The converter's commands. These modules stay light: heavy imports belong inside the functions."""
