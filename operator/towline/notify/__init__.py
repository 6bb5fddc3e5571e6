"""Announce what changed, as one value, to the log, as Kubernetes Events and in metrics."""
