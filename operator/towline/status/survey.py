"""Sum up the health of all objects of one repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from towline.api import labels
from towline.model import Health, Live, Manifest, ObjectRef, State
from towline.plan import one_shot
from towline.plan.drift_policy import DriftResponse
from towline.plan.snapshot import Snapshot

NAMED = 3
"""How many objects are named and explained; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnhealthyObject:
    """One object that is not ready, and where it came from.

    `written_at` is when Towline wrote it last, RFC 3339, empty where that is unknown.
    """

    ref: ObjectRef
    health: Health
    file: str
    line: int
    commit: str
    written_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSummary:
    """What was found: `total` objects, of which `ready` are ready and `failed` will not get there by themselves.

    `missing` more are declared and not owned: they could not be created, or are gone, and their drift is not ignored;
    other conditions say why.
    `first` are the first of the others: those that have failed, then by name. `written_at` is when the latest of the
    others was written. `timeout` is how many seconds the others may take.
    """

    total: int
    ready: int
    failed: int = 0
    missing: int = 0
    first: tuple[UnhealthyObject, ...] = ()
    written_at: str = ""
    timeout: float

    @property
    def well(self) -> bool:
        """Whether every object that exists is ready."""
        return self.ready == self.total

    @property
    def complete(self) -> bool:
        """Whether every declared object exists and is ready."""
        return self.well and not self.missing


class Surveys:
    """Surveys of one repository, each of which looks only at what differs since the last, or was not ready then."""

    def __init__(self) -> None:
        self._last = Snapshot()

    def survey(
        self,
        declared: Mapping[ObjectRef, Manifest],
        owned: Mapping[ObjectRef, Live],
        timeout: float,
        done: Mapping[str, str] | None = None,
    ) -> HealthSummary:
        """Look at every declared object that exists; one that ran once, and is gone or going, is ready.

        Args:
            declared: what is declared.
            owned: what carries the repository's label; neither mapping ever changes.
            timeout: seconds.
            done: what ran once, with the digest of its content.
        """
        looked_at = [declared[ref] for ref in self._last.since(declared, owned) if ref in declared]
        others = [one for one in looked_at if not _is_ready(owned.get(one.ref))]
        unsettled = frozenset(one.ref for one in others)
        self._last = Snapshot(declared=declared, live=owned, unsettled=unsettled)
        return _summary(others, owned, timeout, done or {}, ready=len(declared) - len(others))


def _is_ready(live: Live | None) -> bool:
    return live is not None and live.health.state is State.CURRENT


def _summary(
    others: Iterable[Manifest],
    owned: Mapping[ObjectRef, Live],
    timeout: float,
    done: Mapping[str, str],
    *,
    ready: int,
) -> HealthSummary:
    """Sum up the objects that are not ready by what they say, beside those that are."""
    missing = 0
    ailing: list[UnhealthyObject] = []
    for manifest in others:
        live = owned.get(manifest.ref)
        if (live is None or live.terminating) and one_shot.is_done(manifest, done):
            ready += 1
        elif live is None:
            missing += manifest.directives.get(labels.DRIFT) != DriftResponse.IGNORE
        else:
            ailing.append(_ailing(manifest, live))
    ailing.sort(key=lambda each: (each.health.state is not State.FAILED, each.ref))
    return HealthSummary(
        total=ready + len(ailing),
        ready=ready,
        failed=sum(each.health.state is State.FAILED for each in ailing),
        missing=missing,
        first=tuple(ailing[:NAMED]),
        written_at=max((each.written_at for each in ailing), default=""),
        timeout=timeout,
    )


def _ailing(manifest: Manifest, live: Live) -> UnhealthyObject:
    origin = manifest.origin
    return UnhealthyObject(
        ref=manifest.ref,
        health=live.health,
        file=origin.file,
        line=origin.line,
        commit=live.commit,
        written_at=live.entry_time,
    )
