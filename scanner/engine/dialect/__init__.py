"""From guarded trees to the SQL of other databases, where that means the same, and only there."""
