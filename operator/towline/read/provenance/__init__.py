"""Whose each field of a live object is, and which commit, file and line made it so."""
