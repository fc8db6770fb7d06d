"""One module a file format: what its header says, and how its pixels are decoded within known bounds."""
