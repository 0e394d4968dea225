"""Which layers of a lowered network are quantised how, and the search that finds out."""
