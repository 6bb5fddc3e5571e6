"""Door 2: the bytes of a commit become manifests, each with its file and line."""
