"""The way in: probes and metrics."""
