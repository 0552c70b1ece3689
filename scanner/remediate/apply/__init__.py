"""A reviewed plan goes in; keys are changed one by one, and an audit log of it comes out."""
