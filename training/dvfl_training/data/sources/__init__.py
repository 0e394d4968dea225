"""Data sets on disk -> lists of clips. One module per data set, one row in the registry."""
