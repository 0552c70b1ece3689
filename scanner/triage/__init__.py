"""Deciding about findings: which are the same as before, which are tolerated."""
