"""What policies, checks and tables offer, as pages."""
