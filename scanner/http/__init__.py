"""A path goes in, JSON or an ApiError comes out: limits, retries, pages, a token kept at home."""
