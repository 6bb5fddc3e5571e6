"""Check what a folder declares before it is merged, without a cluster."""
