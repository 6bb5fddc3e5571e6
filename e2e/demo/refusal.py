"""Why the demo does not run on somebody's cluster."""

from __future__ import annotations


class RefusedError(Exception):
    """The demo does not run on this cluster, or could not clear up; the message says why, and what to do."""
