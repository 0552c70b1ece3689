"""The embedded database: loading inventories, guarding predicates, evaluating rules."""
