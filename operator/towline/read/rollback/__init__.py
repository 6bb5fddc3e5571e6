"""Find the reverts that take a branch back to what a sync applied; nothing but Git is asked to change."""
