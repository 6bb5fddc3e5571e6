"""Hold a command that only looks to that: whatever its code asks for, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.errors import ClusterError
from towline.kube.calls import Answer
from towline.kube.client import Client


class DryRunClient(Client):
    """A client that sends reads and dry runs, and refuses to send anything else."""

    async def request(self, verb: str, path: str, **given: Any) -> Answer:
        """Send one request as `Client.request` does, unless it would write.

        Raises:
            ClusterError: also where it would write, which is a bug.
        """
        if verb != "GET" and not is_dry_run(given.get("query"), given.get("body")):
            raise ClusterError(
                f"a {verb} of {path} would write, and this command only looks: report this bug"
            )
        return await super().request(verb, path, **given)


def is_dry_run(query: Mapping[str, str] | None, body: Any) -> bool:
    """Tell whether a request says that nothing is to be stored; where a DELETE has a body, its query does not count."""
    if isinstance(body, Mapping) and body.get("kind") == "DeleteOptions":
        return body.get("dryRun") == ["All"]
    return (query or {}).get("dryRun") == "All"
