"""Databases that tests start for themselves, where they are installed."""
