"""Verify signatures of commits and tags with the keys of a Secret."""
