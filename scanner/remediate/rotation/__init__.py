"""Rotation of keys: keys of a project go in, the next step of each rotation comes out."""
