"""Carry out plans on the cluster, by server-side apply."""
