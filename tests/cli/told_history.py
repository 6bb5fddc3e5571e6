"""A short history of one repository, as its records tell it: what the pages of `log`, `show` and `export` show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from towline import text
from towline.api import recordbody
from towline.api.syncrecord import Ending, FieldChange, SyncRecord, Trigger
from towline.errors import Failure
from towline.model import Action, Person, Revision, Trailer
from towline.records import closing, newest, opening
from towline.records.newest import NewestSync
from towline.records.opening import Place

from tests.records import syncs

ADA = Person(name="Ada", email="ada@example.com")
BOB = Person(name="Bob", email="bob@example.com")
LIMIT = "/data/limit"
BASE = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9, minutes=30)


def sha(name: str) -> str:
    return name.ljust(40, "0")


def _at(days: int, seconds: int = 0) -> str:
    return text.timestamp(BASE + timedelta(days=days, seconds=seconds))


def _commit(name: str, subject: str, day: int, author: Person = ADA, **more: Any) -> Revision:
    made = _at(day)
    return Revision(
        sha=sha(name),
        author=author,
        committer=author,
        authored_at=made,
        committed_at=made,
        subject=subject,
        **more,
    )


FIRST = _commit("1a2b3c4", "Set the limit", 0)
CHANGE = _commit(
    "2b3c4d5",
    "Raise the limit",
    1,
    BOB,
    pull_request="#12",
    merged_by="Cleo",
    trailers=(Trailer("Reviewed-by", "Dora <dora@example.com>"),),
)
BROKEN = _commit("3c4d5e6", "Break it", 3)
BACK = _commit("4d5e6f7", 'Revert "Raise the limit"', 4)


class _Chain:
    def __init__(self) -> None:
        self.records: list[SyncRecord] = []
        self._last: NewestSync | None = None

    def add(
        self,
        day: int,
        source: str,
        commit: Revision,
        action: Action | None,
        field: FieldChange | None = None,
        *,
        ending: Ending = Ending.SUCCEEDED,
        trigger: Trigger = Trigger.COMMIT,
        failures: tuple[Failure, ...] = (),
    ) -> None:
        changes = [syncs.change("settings", action)] if action else []
        draft = syncs.sync(
            source=source,
            target=commit.sha,
            commits=(commit,),
            trigger=trigger,
            started_at=_at(day, 5),
            author=commit.author,
        )
        fields = {change.ref: (field,) for change in changes if field}
        places = {change.ref: Place(commit.sha, "app/settings.yaml", 6) for change in changes}
        opened = opening.opening(draft, opening.entries(changes, fields, places, syncs.MASK), self._last)
        ended = replace(
            syncs.ended(ending, outcomes=syncs.done(*changes), failures=failures), finished_at=_at(day, 7)
        )
        made = closing.close(opened, ended)
        self.records += made
        self._last = newest.of(made)


def records() -> Sequence[SyncRecord]:
    """Ada sets a field, Bob raises it, and Cleo merges that; a person edits it, a commit is broken, and Ada reverts."""
    chain = _Chain()
    chain.add(0, "", FIRST, Action.CREATE)
    chain.add(1, FIRST.sha, CHANGE, Action.UPDATE, FieldChange(path=LIMIT, old="10", new="20"))
    edit = FieldChange(path=LIMIT, old="99", new="20", by="kubectl-edit", at=_at(2, 4))
    chain.add(2, CHANGE.sha, CHANGE, Action.REPAIR, edit, trigger=Trigger.DRIFT)
    bad = Failure(reason="WrongType", message="data.limit must be a string", file="app/settings.yaml", line=6)
    chain.add(3, CHANGE.sha, BROKEN, None, ending=Ending.FAILED, failures=(bad,))
    chain.add(4, CHANGE.sha, BACK, Action.UPDATE, FieldChange(path=LIMIT, old="20", new="10"))
    return chain.records


def bodies() -> list[dict[str, Any]]:
    """Return the records as the API server has them."""
    return [recordbody.to_body(record) for record in records()]


def repository() -> dict[str, Any]:
    """Return the GitRepository."""
    status = {"commit": {"observed": BACK.sha, "applied": BACK.sha}, "lastRecord": records()[-1].name}
    return {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": {"namespace": "shop", "name": "app", "uid": syncs.UID, "generation": 1},
        "spec": {"url": "https://git.example/app"},
        "status": status,
    }
