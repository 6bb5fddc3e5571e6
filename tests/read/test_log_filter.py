from __future__ import annotations

from dataclasses import replace

import pytest
from towline.api.syncrecord import ChangeEntry
from towline.model import Key
from towline.read.applied_history.log_entries import LogEntry
from towline.read.applied_history.log_filter import LogFilter, WantedObject
from towline.read.applied_history.recorded_sync import SyncFailure

from tests.records import syncs

ENTRY = LogEntry(
    at="2026-01-02T03:04:05Z",
    repository=Key("shop", "app"),
    outcome="Succeeded",
    commit="a" * 40,
    author="Bob Builder",
    email="bob@example.com",
    changes=(
        ChangeEntry(
            object="Deployment.apps/shop/web", action="update", file="deploy/web.yaml", commit="b" * 40
        ),
    ),
    commits=(syncs.revision("c" * 40),),
)
REFUSED = replace(
    ENTRY,
    changes=(),
    failures=(SyncFailure(object="", reason="Invalid", message="no", file="deploy/web.yaml"),),
)


def wanted(kind: str, name: str, *, group: str | None = None, namespace: str = "") -> WantedObject:
    return WantedObject(kinds=frozenset({kind}), name=name, group=group, namespace=namespace)


@pytest.mark.parametrize(
    "chosen",
    [
        LogFilter(),
        LogFilter(object=wanted("deployment", "web")),
        LogFilter(object=wanted("deployment", "web", group="apps", namespace="shop")),
        LogFilter(author="bob@"),
        LogFilter(author="BUILDER"),
        LogFilter(author="ada"),
        LogFilter(commit="aaaa"),
        LogFilter(commit="BBBB"),
        LogFilter(commit="cccc"),
        LogFilter(path="deploy"),
        LogFilter(path="./deploy/"),
        LogFilter(path="deploy/web.yaml"),
        LogFilter(path="."),
        LogFilter(since="2026-01-02T03:04:05Z"),
    ],
)
def test_an_entry_is_found_by_what_it_has(chosen: LogFilter) -> None:
    assert chosen.kept([ENTRY]) == (ENTRY,)


@pytest.mark.parametrize(
    "chosen",
    [
        LogFilter(object=wanted("deployment", "we")),
        LogFilter(object=wanted("service", "web")),
        LogFilter(object=wanted("deployment", "web", group="extensions")),
        LogFilter(object=wanted("deployment", "web", namespace="other")),
        LogFilter(author="cleo"),
        LogFilter(commit="dddd"),
        LogFilter(path="dep"),
        LogFilter(path="web.yaml"),
        LogFilter(since="2026-01-02T03:04:06Z"),
        LogFilter(author="bob", commit="dddd"),
    ],
)
def test_an_entry_without_it_is_left_out(chosen: LogFilter) -> None:
    assert chosen.kept([ENTRY]) == ()


def test_a_refused_file_is_found_by_its_path() -> None:
    assert LogFilter(path="deploy").kept([REFUSED]) == (REFUSED,)
