"""Settings: from flags, environment and files to one value."""
