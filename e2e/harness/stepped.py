"""The operator with a wall clock that a story sets: `stepped.py FILE operator …`, where FILE holds seconds to add."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from towline import __main__ as towline
from towline.controller import wiring


def program(ahead: Path) -> tuple[str, ...]:
    """Return what Python runs for an operator whose clock is so many seconds ahead as a file says, at each look."""
    return (
        "-P",
        __file__,
        str(ahead),
    )  # without this folder in the path, whose modules are called as others are


def main() -> None:
    """Run the operator."""
    ahead, told = Path(sys.argv.pop(1)), wiring.now

    def now() -> datetime:
        return told() + timedelta(seconds=float(ahead.read_text()))

    wiring.now = now
    towline.main()


if __name__ == "__main__":
    main()
