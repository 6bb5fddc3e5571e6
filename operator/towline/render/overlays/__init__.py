"""What a spec changes in units: the overlay of `spec.kustomize`."""
