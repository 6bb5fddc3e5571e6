"""Know drift from one pass to the next: what was written, what differs, and who keeps changing it."""
