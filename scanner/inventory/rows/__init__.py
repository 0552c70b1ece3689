"""From records in the shape of an API to rows of a table: SQL made from the catalogue."""
