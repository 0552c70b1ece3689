"""Test cases of policies: run, covered, mutated."""
