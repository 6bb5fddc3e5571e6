"""Revisions of a repository that are read on the user's machine by the operator's own code, and what they build on."""
