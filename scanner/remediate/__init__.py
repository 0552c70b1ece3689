"""From findings to reviewed changes: a plan is made, saved, read, applied, and undone."""
