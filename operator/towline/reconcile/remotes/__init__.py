"""Bring parts of a render from other servers, pinned."""
