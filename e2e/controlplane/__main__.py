"""Find or build what tests run: a control plane, Helm, a registry. The last line of stdout is the folder of them."""

from __future__ import annotations

import os
import signal
import sys

from e2e.controlplane import assemble, progress


def main() -> int:
    """Print the folder; 1 and a message on stderr when it cannot be completed."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        found = assemble.complete(os.environ, registry=True)
    except (assemble.MissingError, progress.StepError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    progress.say(str(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
