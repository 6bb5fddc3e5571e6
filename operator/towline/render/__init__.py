"""The bytes of a commit become manifests, each with its file and line."""
