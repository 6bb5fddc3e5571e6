"""`towline get`: how repositories are, each with the sentence that matters most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from towline import text
from towline.api import gitrepository
from towline.read import overview

from tests.cli import documented
from tests.kube.api_of_bodies import ApiOfBodies, command

READY = {"status": "True", "reason": "Succeeded", "message": 'Applied 1a2b3c4 "Raise the limit" by Ada'}
BROKEN = {
    "status": "False",
    "reason": "BuildFailed",
    "message": "9f8e7d6 by Bob cannot be built: blog/web.yaml:12: spec.replicas must be a number. Still at 1a2b3c4",
}
NO, YES = (
    {"status": "False", "reason": "Idle", "message": ""},
    {"status": "True", "reason": "x", "message": "y"},
)
DAYS_AGO = text.timestamp(datetime.now(UTC) - timedelta(days=9, hours=1))


def repository(name: str, conditions: Mapping[str, Mapping[str, str]], **metadata: Any) -> dict[str, Any]:
    named = {
        "namespace": "shop",
        "name": name,
        "uid": f"uid-{name}",
        "generation": 2,
        "creationTimestamp": DAYS_AGO,
    }
    return {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": named | metadata,
        "spec": {"url": f"https://git.example/{name}"},
        "status": {
            "observedGeneration": 2,
            "commit": {"observed": "1a2b3c4" + "0" * 33, "applied": "1a2b3c4" + "0" * 33},
            "applied": {
                "short": "1a2b3c4",
                "author": "Ada",
                "mergedBy": "Grace",
                "subject": "Raise the limit",
            },
            "objects": {"declared": 12, "synced": 12},
            "conditions": [{"type": kind, **body} for kind, body in conditions.items()],
        },
    }


HEALTHY = {"Ready": READY, "Healthy": YES, "Drifted": NO, "Suspended": NO}
SHOP = repository("shop", HEALTHY)
BLOG = repository("blog", {**HEALTHY, "Ready": BROKEN}, namespace="blog")


async def test_repositories_are_listed_as_the_page_shows(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(BLOG, SHOP), tmp_path, "get", "-A")
    assert ended.stdout == documented.output("towline get -A")
    assert ended.exit_code == 1, "one of them is not ready"


async def test_one_repository_that_is_ready_is_good(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(BLOG, SHOP), tmp_path, "get", "shop")
    assert ended.exit_code == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["NAME", "shop"]


async def test_the_json_form_is_as_documented(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(BLOG, SHOP), tmp_path, "get", "shop", "-o", "json")
    found = json.loads(ended.stdout)
    assert found.pop("createdAt") == DAYS_AGO
    page = json.loads(documented.output("towline get shop -o json"))
    assert page.pop("createdAt")
    assert found == page
    listed = await command(ApiOfBodies(BLOG, SHOP), tmp_path, "get", "-A", "-o", "json")
    assert [each["name"] for each in json.loads(listed.stdout)] == ["blog", "shop"]


async def test_names_are_printed_as_kubectl_takes_them(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(BLOG, SHOP), tmp_path, "get", "-o", "name")
    assert ended.stdout == "gitrepository.towline.dev/shop\n"


async def test_who_may_read_one_namespace_gets_that_and_is_told_what_is_missing(tmp_path: Path) -> None:
    api = ApiOfBodies(BLOG, SHOP, forbidden=("/apis/towline.dev/v1alpha1/gitrepositories",))
    ended = await command(api, tmp_path, "get", "-A")
    assert ended.exit_code == 2, "the answer is not whole"
    assert "you may not list gitrepositories.towline.dev in all namespaces" in ended.stderr
    assert "those of namespace shop alone" in ended.stderr
    assert "shop" in ended.stdout
    assert "blog" not in ended.stdout


async def test_a_namespace_without_repositories_is_told_on_standard_error(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(BLOG), tmp_path, "get")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "there are no GitRepositories in namespace shop" in ended.stderr


@pytest.mark.parametrize(
    "arguments", [("-A", "-n", "shop"), ("shop", "-A"), ("shop", "-l", "a=b"), ("-o", "csv")]
)
async def test_what_contradicts_itself_is_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = await command(ApiOfBodies(SHOP), tmp_path, "get", *arguments)
    assert ended.exit_code == 2


SUSPENDED = {"status": "True", "reason": "Suspended", "message": "Suspended since noon"}
DRIFTED = {"status": "True", "reason": "Drifted", "message": "1 field differs"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (SHOP, READY["message"]),
        (BLOG, BROKEN["message"]),
        (repository("shop", {**HEALTHY, "Drifted": DRIFTED}), "1 field differs"),
        (repository("shop", {**HEALTHY, "Ready": BROKEN, "Drifted": DRIFTED}), BROKEN["message"]),
        (repository("shop", {**HEALTHY, "Drifted": DRIFTED, "Suspended": SUSPENDED}), "Suspended since noon"),
        (repository("shop", {}), "The operator has not looked at it yet: is it running"),
        (
            repository("shop", HEALTHY, generation=3),
            "The operator has not looked at the newest spec yet. Before: ",
        ),
        (
            repository(
                "shop",
                HEALTHY,
                deletionTimestamp="2026-01-01T00:00:00Z",
                finalizers=["towline.dev/finalizer"],
            ),
            "Is being deleted since 2026-01-01T00:00:00Z; it waits for towline.dev/finalizer",
        ),
    ],
)
def test_the_sentence_is_what_a_person_must_read_first(body: dict[str, Any], sentence: str) -> None:
    assert overview.of(gitrepository.identify(body)).sentence.startswith(sentence)


def test_a_repository_whose_newest_spec_was_not_seen_is_not_called_ready() -> None:
    found = overview.of(gitrepository.identify(repository("shop", HEALTHY, generation=3)))
    assert not found.is_ready
