"""Reading an inventory from a Sentry server."""
