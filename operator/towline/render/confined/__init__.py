"""Run tools confined: limits, no environment, no other file, no server."""
