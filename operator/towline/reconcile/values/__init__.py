"""Read the variables and private keys that a spec names."""
