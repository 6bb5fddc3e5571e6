"""Compare desired and live objects, and decide what is done to each; pure."""
