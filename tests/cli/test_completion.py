"""The shell completes names, and stays silent where there is no answer."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem
from towline.cli import completion

from tests.cli.test_get import BLOG, SHOP
from tests.cli.test_logs import ONE, WEB
from tests.kube.api_of_bodies import ApiOfBodies, completed, typed


def config(path: Path, server: str) -> Path:
    whole = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(json.dumps(whole))
    return path


async def test_names_of_repositories_are_those_of_the_namespace_that_is_typed(tmp_path: Path) -> None:
    api = ApiOfBodies(SHOP, BLOG)
    assert await completed(api, tmp_path, "towline tree ") == ["shop"]
    assert await completed(api, tmp_path, "towline tree -n blog ") == ["blog"]


async def test_objects_are_completed_by_kind_and_then_by_name(tmp_path: Path) -> None:
    api = ApiOfBodies(WEB, ONE)
    assert await completed(api, tmp_path, "towline logs dep") == ["deployment/"]
    assert await completed(api, tmp_path, "towline logs deploy/w") == ["deploy/web"]


async def test_what_the_user_may_not_list_is_completed_with_nothing(tmp_path: Path) -> None:
    api = ApiOfBodies(SHOP, forbidden=("/apis/towline.dev/v1alpha1/namespaces/shop/gitrepositories",))
    assert await completed(api, tmp_path, "towline tree ") == []


def test_commands_are_completed_without_any_cluster(tmp_path: Path) -> None:
    ended = typed("towline eve", str(tmp_path / "none"))
    assert ended.stdout.split() == ["plain,events"]


@pytest.mark.parametrize("kind", ["no file", "nobody listens"])
def test_without_an_answer_nothing_is_completed_and_nothing_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config"
    if kind != "no file":
        config(path, "http://127.0.0.1:1")
    ended = typed("towline tree ", str(path))
    assert (ended.stdout.strip(), ended.stderr) == ("", "")


def test_a_server_that_hangs_holds_no_shell_for_longer_than_a_person_waits(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = config(tmp_path / "config", f"http://127.0.0.1:{server.getsockname()[1]}")
        begun = time.monotonic()
        ended = typed("towline tree ", str(path), seconds="0.5")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", 0)
    assert time.monotonic() - begun < 25, "a request would wait for 30 seconds"


def test_a_name_that_could_control_the_terminal_is_not_printed_as_it_is() -> None:
    (item,) = completion.items(["evil\x1b]0;x\x07"], "evil")
    assert isinstance(item, CompletionItem)
    assert str(item.value).isprintable()
    assert click.unstyle(str(item.value)) == item.value
