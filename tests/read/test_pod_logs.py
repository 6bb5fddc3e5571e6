from __future__ import annotations

from typing import Any

import pytest
from towline.read import pod_logs
from towline.read.pod_logs import LogRequest


@pytest.mark.parametrize(
    ("selector", "written"),
    [
        ({"matchLabels": {"app": "web", "tier": "front"}}, "app=web,tier=front"),
        ({"app": "web"}, "app=web"),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "zone", "operator": "In", "values": ["a", "b"]},
                    {"key": "old", "operator": "DoesNotExist"},
                    {"key": "new", "operator": "Exists"},
                    {"key": "env", "operator": "NotIn", "values": ["test"]},
                ],
            },
            "app=web,zone in (a,b),!old,new,env notin (test)",
        ),
        ({"matchExpressions": [{"key": "new", "operator": "Exists"}]}, "new"),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_selector_is_written_as_the_api_server_reads_it(selector: Any, written: str) -> None:
    assert pod_logs.selection({"spec": {"selector": selector}}) == written


POD = {
    "metadata": {"namespace": "shop", "name": "web-1"},
    "spec": {"containers": [{"name": "web"}, {"name": "proxy"}], "initContainers": [{"name": "migrate"}]},
}


def test_all_running_containers_are_read_or_the_one_that_is_named() -> None:
    assert [str(each) for each in pod_logs.sources(POD)] == ["web-1/web", "web-1/proxy"]
    assert [str(each) for each in pod_logs.sources(POD, "migrate")] == ["web-1/migrate"]
    assert pod_logs.sources(POD, "nothing") == []


def test_only_what_is_asked_is_asked_of_the_api_server() -> None:
    assert LogRequest().query("web") == {"container": "web"}
    asked = LogRequest(tail=0, since=90, previous=True, follows=True).query("web")
    assert asked == {
        "container": "web",
        "tailLines": "0",
        "sinceSeconds": "90",
        "previous": "true",
        "follow": "true",
    }
