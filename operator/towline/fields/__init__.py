"""Compare objects field by field: who owns each, where values differ, and which are secret; pure."""
