"""What a rule demands, and why a row has the outcome it has."""
