"""From an evaluated inventory to what the same rules will say of it on each day to come."""
