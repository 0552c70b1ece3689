"""What documents look like: JSON decoded, and what is wrong with the shape of what people write."""
