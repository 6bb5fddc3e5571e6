"""What changed, as one value, and who is told of it: the log, Kubernetes Events, and figures for Prometheus."""
