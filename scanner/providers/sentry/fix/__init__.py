"""A key to change and what is to become of it go in; requests to Sentry's API come out."""
