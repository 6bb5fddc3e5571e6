"""Speak HTTP/1.1 as far as Towline needs it: one request at a time over a connection."""
