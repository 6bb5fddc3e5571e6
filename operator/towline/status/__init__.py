"""Compute the status of a GitRepository, one file for each of its sections; pure."""
