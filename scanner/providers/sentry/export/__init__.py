"""Client keys as code: states of keys go in, resources of tools that provision them come out."""
