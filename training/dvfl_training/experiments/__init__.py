"""Experiments whose tables are in training/RESULTS.md; each runs the commands that a person would type."""
