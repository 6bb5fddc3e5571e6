"""Turn resources of Flux and Argo CD into GitRepositories, and say what cannot be carried over."""
