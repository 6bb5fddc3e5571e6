"""No core dump of this process, or of one that it starts: its memory holds credentials and Secrets."""

from __future__ import annotations

import resource


def forbid() -> None:
    """Set both limits to zero, which children inherit and cannot raise."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
