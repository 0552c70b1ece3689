"""Checks that make sense for Sentry alone."""
