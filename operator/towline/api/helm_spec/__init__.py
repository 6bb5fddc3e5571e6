"""Read what a spec says of charts."""
