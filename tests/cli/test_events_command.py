"""`towline events`: what happened to a repository lately."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from towline import text
from towline.read import event_rows

from tests.cli import documented
from tests.cli.test_get import SHOP
from tests.kube.api_of_bodies import ApiOfBodies, command


def event(
    name: str, minutes: int, reason: str, message: str, uid: str = "uid-shop", **more: Any
) -> dict[str, Any]:
    at = text.timestamp(datetime.now(UTC) - timedelta(minutes=minutes, seconds=5))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}"},
        "involvedObject": {"kind": "GitRepository", "namespace": "shop", "name": "shop", "uid": uid},
        "type": "Normal",
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "count": 1,
        **more,
    }


def new() -> dict[str, Any]:
    return event("b", 20, "Applied", "Applied 1a2b3c4: 2 updated")


def old() -> dict[str, Any]:
    message = "blog/web.yaml:12: spec.replicas must be a number"
    return event("a", 45, "BuildFailed", message, type="Warning", count=3)


def other() -> dict[str, Any]:
    return event("c", 1, "Applied", "of another repository", uid="uid-blog")


async def test_events_of_a_repository_are_listed_the_newest_last(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(SHOP, new(), old(), other()), tmp_path, "events", "shop")
    assert ended.exit_code == 0
    assert ended.stdout == documented.output("towline events shop")


async def test_the_json_form_is_as_documented(tmp_path: Path) -> None:
    failed = old()
    ended = await command(ApiOfBodies(SHOP, new(), failed), tmp_path, "events", "shop", "-o", "json")
    assert json.loads(ended.stdout)[0] == {
        "at": failed["lastTimestamp"],
        "type": "Warning",
        "reason": "BuildFailed",
        "count": 3,
        "message": failed["message"],
    }


async def test_their_names_alone_can_be_had(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(SHOP, new(), old()), tmp_path, "events", "shop", "-o", "name")
    assert (ended.exit_code, ended.stdout) == (0, "event/a\nevent/b\n")


async def test_that_there_are_none_is_told_with_the_reason(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(SHOP, other()), tmp_path, "events", "shop")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "no Events about shop" in ended.stderr


def test_an_event_of_the_newer_kind_has_its_time_and_count_elsewhere() -> None:
    series = {"count": 7, "lastObservedTime": "2026-01-02T00:00:00Z"}
    newer = {"metadata": {}, "eventTime": "2026-01-01T00:00:00Z", "series": series, "note": "told"}
    found = event_rows.of(newer)
    assert (found.at, found.count, found.message) == ("2026-01-02T00:00:00Z", 7, "told")
