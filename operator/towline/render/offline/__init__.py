"""Read folders on disk by the rules for commits, without a cluster."""
