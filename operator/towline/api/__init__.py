"""The custom resources as frozen values."""
