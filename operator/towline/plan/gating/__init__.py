"""What waits until other objects are healthy."""
