"""`python -m e2e.harness up`: a control plane to try things on, until Ctrl-C. `… deploy`: renders deploy/."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from e2e.controlplane import assemble, progress
from e2e.harness import chart, controlplane, identity
from e2e.harness.processes import ended_by_signals
from e2e.harness.waiting import eventually


def main(arguments: Sequence[str]) -> int:
    """Run one of the two commands that there are."""
    if list(arguments) not in (["up"], ["deploy"]):
        sys.stderr.write("usage: python -m e2e.harness up | deploy\n")
        return 2
    try:
        with ended_by_signals() as asked, suppress(KeyboardInterrupt):
            if arguments[0] == "up":
                _up(asked)
            else:
                _deploy()
    except (assemble.MissingError, progress.StepError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _deploy() -> None:
    with tempfile.TemporaryDirectory() as home:
        text = chart.plain(chart.Helm(binary=assemble.helm(os.environ), home=Path(home)))
    chart.PLAIN.write_text(text)
    for definition in chart.CRDS.iterdir():
        shutil.copyfile(definition, chart.CHART / "crds" / definition.name)
    progress.say(f"written: {chart.PLAIN.relative_to(chart.ROOT)}, and the chart's copy of crds/")


def _up(asked: Callable[[], bool]) -> None:
    with controlplane.running(assemble.complete(os.environ)) as plane:
        progress.say(f"KUBECONFIG={plane.kubeconfig()}")
        progress.say(f"kubeconfig of the operator: {plane.kubeconfig(identity.OPERATOR)}")
        progress.say(f"audit log: {plane.site.audit_log}")
        progress.say(f"kubectl: {plane.kubectl}")
        eventually(lambda: asked() or not plane.check(), deadline=math.inf, poll=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
