"""Read and write the custom resources as frozen values."""
