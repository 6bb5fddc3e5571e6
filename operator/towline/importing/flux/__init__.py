"""The resources of Flux: sources, Kustomizations, HelmReleases."""
