"""Runs held against each other: what is different, how a line of them went."""
