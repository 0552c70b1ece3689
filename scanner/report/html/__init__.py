"""One self-contained page to read and search."""
