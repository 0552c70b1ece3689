"""The wall: from the text of a predicate to a tree that is safe to run."""
