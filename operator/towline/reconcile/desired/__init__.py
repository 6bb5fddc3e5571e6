"""Read what Git declares: from a spec to the head, its revision, and the manifests of that commit."""
