"""Door 3, the API server: what we ask it, what we write, what we know of our objects."""
