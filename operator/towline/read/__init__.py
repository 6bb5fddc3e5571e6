"""What a command line, and later a UI, shows: read from the cluster and from Git, as values."""
