"""Operator compatibility: where each operator of a program runs on a phone."""
