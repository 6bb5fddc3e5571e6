"""What must be signed, and what became of it."""
