"""`towline logs`: what the Pods of an object write, with nothing that a terminal would obey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli import documented
from tests.kube.api_of_bodies import ApiOfBodies, command


def body(kind: str, name: str, labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    version = "apps/v1" if kind == "Deployment" else "v1"
    metadata = {"namespace": "shop", "name": name, "uid": f"uid-{name}", "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


APP = {"app": "web"}
WEB = body("Deployment", "web", {}, selector={"matchLabels": APP})
ONE = body("Pod", "web-1", APP, containers=[{"name": "web"}, {"name": "proxy"}])
OTHER = body("Pod", "other", {"app": "other"}, containers=[{"name": "other"}])
LOG = "/api/v1/namespaces/shop/pods/web-1/log"


async def test_lines_of_several_containers_say_whose_they_are(tmp_path: Path) -> None:
    api = ApiOfBodies(WEB, ONE, OTHER, texts={LOG: "started\nlistening on :8080\n"})
    ended = await command(api, tmp_path, "logs", "deployment/web")
    assert ended.exit_code == 0
    assert ended.stdout == documented.output("towline logs deployment/web")
    assert any("tailLines=100" in path for path in api.asked)


async def test_one_container_is_printed_as_it_writes_but_for_what_a_terminal_obeys(tmp_path: Path) -> None:
    text = "\x1b]0;title\x07  indented\tand \u202etabbed\nlast line without an end"
    api = ApiOfBodies(ONE, texts={LOG: text})
    ended = await command(api, tmp_path, "logs", "pod/web-1", "-c", "web", "--tail", "-1")
    assert ended.stdout == "]0;title  indented\tand tabbed\nlast line without an end\n"


async def test_a_container_that_cannot_tell_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    two = body("Pod", "web-2", APP, containers=[{"name": "web"}])
    ended = await command(ApiOfBodies(WEB, ONE, two, texts={LOG: "here\n"}), tmp_path, "logs", "deploy/web")
    assert ended.exit_code == 1
    assert "web-1/web here" in ended.stdout
    assert "web-2/web: " in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("web",), 2, "must be KIND/NAME"),
        (("deploy/web", "--since", "soon"), 2, "--since"),
        (("deploy/nothing",), 2, 'no Deployment "nothing" in namespace shop'),
        (("deploy/web", "-c", "wep"), 2, 'no container "wep", but proxy, web'),
        (("widget/web",), 2, 'no kind "widget"'),
        (("cm/settings",), 2, "has no selector of Pods"),
        (("deploy/alone",), 2, "has no Pods"),
    ],
)
async def test_what_has_no_logs_is_told_with_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    settings = body("ConfigMap", "settings", {})
    alone = body("Deployment", "alone", {}, selector={"matchLabels": {"app": "alone"}})
    ended = await command(ApiOfBodies(WEB, ONE, settings, alone), tmp_path, "logs", *arguments)
    assert ended.exit_code == code
    assert told in ended.stderr


async def test_who_may_not_read_logs_is_told_so(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(WEB, ONE, forbidden=(LOG,)), tmp_path, "logs", "deploy/web")
    assert ended.exit_code == 2
    assert 'you may not get pods/log "web-1" in namespace shop' in ended.stderr
