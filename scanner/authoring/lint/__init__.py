"""What can be said of policies without any data."""
