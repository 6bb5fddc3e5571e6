"""Turn the bytes of a commit into manifests, each with its file and line."""
