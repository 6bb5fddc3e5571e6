"""Desired against live: what is to be done to which object, and what must not be done. Pure."""
