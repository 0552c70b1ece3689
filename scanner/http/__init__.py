"""Asking a server politely: limits, retries, pages, and a token that stays at home."""
