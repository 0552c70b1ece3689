"""Key inventories: the catalogue of tables, and the sources that fill them."""
