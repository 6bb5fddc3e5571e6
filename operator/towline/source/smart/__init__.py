"""Speak the smart HTTP protocol of Git without a git process, as far as a healthy server needs no more."""
