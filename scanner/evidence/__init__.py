"""Runs as evidence: in comes a run of a history, out comes a file that others can check."""
