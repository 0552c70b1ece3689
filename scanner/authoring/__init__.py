"""What authors of policies use: lint, test cases, coverage and mutation."""
