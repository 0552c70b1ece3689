"""The files that people write: found, decoded, and held against their schemas."""
