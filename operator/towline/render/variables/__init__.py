"""Fill the variables of spec.substitute into manifests, by the rules of Flux."""
