"""What people ask of a GitRepository by annotations of its own."""
