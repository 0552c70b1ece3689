"""What came before a scan, and what comes after it, as its page tells it."""
