"""What a repository has in the cluster, as a tree: its objects, what these have made, and how all of it is."""
