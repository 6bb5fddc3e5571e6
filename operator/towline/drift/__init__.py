"""Find what differs from what was last written, since when, and who keeps changing it; pure."""
