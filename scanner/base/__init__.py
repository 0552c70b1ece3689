"""What every layer shares: errors, text, files, and YAML with the place of every value."""
