"""`python -m e2e.harness up`: a control plane to try things on, until Ctrl-C."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from e2e.controlplane import assemble, progress
from e2e.harness import controlplane, identity
from e2e.harness.processes import ended_by_signals
from e2e.harness.waiting import eventually


def main(arguments: Sequence[str]) -> int:
    """Run the one command that there is."""
    if list(arguments) != ["up"]:
        sys.stderr.write("usage: python -m e2e.harness up\n")
        return 2
    try:
        with ended_by_signals() as asked, suppress(KeyboardInterrupt):
            _up(asked)
    except (assemble.MissingError, progress.StepError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _up(asked: Callable[[], bool]) -> None:
    with controlplane.running(assemble.complete(os.environ)) as plane:
        progress.say(f"KUBECONFIG={plane.kubeconfig()}")
        progress.say(f"kubeconfig of the operator: {plane.kubeconfig(identity.OPERATOR)}")
        progress.say(f"audit log: {plane.site.audit_log}")
        progress.say(f"kubectl: {plane.kubectl}")
        eventually(lambda: asked() or not plane.check(), deadline=math.inf, poll=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
