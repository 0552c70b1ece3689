"""The tables of Sentry and the fields of its API that they are made of."""
