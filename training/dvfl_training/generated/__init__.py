"""Data sets that are rendered, so that nothing needs to be downloaded."""
