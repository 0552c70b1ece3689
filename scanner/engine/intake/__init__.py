"""From the files of an inventory to tables in the database."""
