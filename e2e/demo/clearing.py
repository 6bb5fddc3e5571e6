"""Remove from somebody's cluster what the demo made there, also after Ctrl-C, and say what could not be removed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from e2e.demo.grounds import CRDS, Ground
from e2e.demo.narrator import Page
from e2e.demo.refusal import RefusedError
from e2e.demo.stage import TGR

Kubectl = Callable[..., str]

_SECONDS = 120.0


def clear(kubectl: Kubectl, ground: Ground, page: Page) -> None:
    """Remove the GitRepositories while the operator can still let them go, then the namespaces, then the CRDs.

    Signals wait for the end of it. Raises `RefusedError` with the commands that remove what is left.
    """
    page.line("\nRemoving what the demo made …")
    left: list[str] = []
    with _undisturbed():
        _repositories(kubectl, ground.names.team)
        with suppress(AssertionError):  # it is killed where it does not end as it promises
            ground.operator.stop()
        for command in _rest(kubectl, ground):
            try:
                kubectl(*command, seconds=_SECONDS)
            except RefusedError as error:
                left.append(f"kubectl {' '.join(command)}   ({error})")
    if left:
        raise RefusedError("some of it is left; remove it by\n  " + "\n  ".join(left))
    page.line(
        f"Removed: the namespaces {', '.join(ground.names.all)}{'' if ground.has_crds else ', the CRDs'}."
    )


def _repositories(kubectl: Kubectl, team: str) -> None:
    """Delete the GitRepositories; where no operator answers any more, without what it would do at their end."""
    with suppress(RefusedError):
        kubectl("delete", TGR, "--all", "-n", team, "--timeout=30s", seconds=40)
        return
    with suppress(RefusedError):
        for name in kubectl("get", TGR, "-n", team, "-o", "name").split():
            kubectl("patch", name, "-n", team, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def _rest(kubectl: Kubectl, ground: Ground) -> Iterator[tuple[str, ...]]:
    yield ("delete", "namespace", *ground.names.all, "--ignore-not-found", "--timeout=110s")
    if not ground.has_crds and not _others(kubectl, ground.names.team):
        yield ("delete", "--ignore-not-found", "--timeout=60s", "-f", str(CRDS))


def _others(kubectl: Kubectl, team: str) -> bool:
    """Say whether somebody has made GitRepositories meanwhile: those would go with the CRDs."""
    with suppress(RefusedError):
        path = "{.items[*].metadata.namespace}"
        return bool(set(kubectl("get", TGR, "-A", "-o", f"jsonpath={path}").split()) - {team})
    return False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave signals for later: whoever presses Ctrl-C twice would leave objects on the cluster."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
