"""What is inside an object: who owns which field, where values differ, and which of them are secret."""
