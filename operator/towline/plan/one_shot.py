"""Know objects that run once: one that did its work and was deleted by its own rule is done, not drifted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from towline.api import labels
from towline.health import finished
from towline.model import Live, Manifest, ObjectRef, State

DONE = "Done"
"""The reason of a change that does not recreate an object, because it did its work."""

_ENDED = frozenset({State.CURRENT, State.FAILED})

_DIGITS = 16
"""How many digits of a digest are remembered: thousands of Jobs must fit into one status."""


def short(digest: str) -> str:
    """Return the shortened digest that is remembered."""
    return digest.removeprefix("sha256:")[:_DIGITS]


def is_done(manifest: Manifest, done: Mapping[str, str]) -> bool:
    """Tell whether an object has run with this very content."""
    return bool(done) and done.get(str(manifest.ref)) == short(manifest.digest)


def known(remembered: Mapping[str, str], seen: Mapping[ObjectRef, str]) -> dict[str, str]:
    """Return what is done by object: what a status remembers, and what was seen to finish since."""
    return {**remembered, **{str(ref): short(digest) for ref, digest in seen.items()}}


def remembered(
    done: Mapping[str, str],
    manifests: Iterable[Manifest],
    written: Collection[ObjectRef],
    *,
    is_applied: bool,
) -> dict[str, str]:
    """Return what is worth remembering after a plan.

    What was written anew runs again, and what Git no longer declares is forgotten once the commit is applied.

    Args:
        done: what was done before the plan.
        manifests: what is declared.
        written: what the plan has written.
        is_applied: whether the whole plan is done.
    """
    if not done:
        return {}
    declared = {str(manifest.ref): short(manifest.digest) for manifest in manifests}
    again = {str(ref) for ref in written}
    return {
        name: digest
        for name, digest in done.items()
        if (name not in again or declared.get(name) == digest) and (name in declared or not is_applied)
    }


def runs_again(manifest: Manifest, live: Live) -> bool:
    """Tell whether Git asks for another run of an object that has ended, well or not, and is still there."""
    asked = str(manifest.directives.get(labels.RERUN, ""))
    if not asked or asked == live.rerun:
        return False
    runs = live.finished or live.ref.group_kind in finished.RUNS
    return runs and live.health.state in _ENDED
