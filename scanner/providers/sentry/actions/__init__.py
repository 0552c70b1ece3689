"""What can be done to a Sentry client key."""
