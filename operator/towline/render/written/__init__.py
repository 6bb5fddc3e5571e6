"""Objects as files and tools write them, and what becomes of them."""
