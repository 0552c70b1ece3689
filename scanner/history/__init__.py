"""A history: a folder of sealed runs, each of which is the evidence of itself."""
