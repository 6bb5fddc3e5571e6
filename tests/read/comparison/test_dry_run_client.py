from __future__ import annotations

from typing import Any

import pytest
from towline.errors import ClusterError
from towline.kube.credentials import Access
from towline.read.comparison.dry_run_client import DryRunClient, is_dry_run

OPTIONS = {"kind": "DeleteOptions", "apiVersion": "v1"}


@pytest.mark.parametrize(
    ("query", "body", "dry"),
    [
        ({"dryRun": "All"}, {"kind": "ConfigMap"}, True),
        ({"dryRun": "All"}, [{"op": "remove", "path": "/data"}], True),
        ({"dryRun": "All"}, None, True),
        (None, {**OPTIONS, "dryRun": ["All"]}, True),
        ({"dryRun": "All"}, OPTIONS, False),
        ({"dryRun": ""}, {"kind": "ConfigMap"}, False),
        ({}, None, False),
        (None, None, False),
    ],
)
def test_a_dry_run_is_known_by_where_the_api_server_looks(
    query: dict[str, str] | None,
    body: Any,
    dry: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert is_dry_run(query, body) is dry


@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_would_write_is_never_sent(verb: str) -> None:
    def load() -> Access:
        pytest.fail("the API server was to be asked")

    async with DryRunClient(load) as client:
        with pytest.raises(ClusterError, match="only looks"):
            await client.request(verb, "/api/v1/namespaces/team/configmaps/a", body={"kind": "ConfigMap"})
