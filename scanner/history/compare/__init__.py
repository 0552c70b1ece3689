"""Runs held against each other: which are meant, what is different, how a line of them went."""
