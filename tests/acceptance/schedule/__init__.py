"""The examples of scheduled scans: their commands run here as their platforms run them."""
