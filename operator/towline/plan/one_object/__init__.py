"""Decide what becomes of one declared object: what is done to it, or why it may not be written."""
