"""Towline tows a Kubernetes cluster to what Git says."""

__version__ = "0.1.0"
