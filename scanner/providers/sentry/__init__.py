"""Sentry: its tables, its server, and a demonstration."""
