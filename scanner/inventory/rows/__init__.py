"""From records as sources tell them to rows of a table: the quick way, and the careful one."""
