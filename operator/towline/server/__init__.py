"""Serve probes and metrics."""
