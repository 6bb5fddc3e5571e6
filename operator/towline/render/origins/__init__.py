"""Origins: which file and line declares each object that kustomize built."""
