"""From prepared rules and tables to outcomes and findings."""
