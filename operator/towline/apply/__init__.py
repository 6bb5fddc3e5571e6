"""A plan becomes objects on the cluster, by server-side apply."""
