"""Read the records that the common options choose."""

from __future__ import annotations

from collections.abc import Sequence

from towline.api import recordbody
from towline.cli import output
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.model import Body
from towline.read import stored_records
from towline.read.applied_history import recorded_sync
from towline.read.applied_history.recorded_sync import RecordedSync
from towline.read.cluster import Cluster


async def chosen(view: View, name: str, cluster: Cluster) -> list[Body]:
    """Return the records of one repository, of those with the labels of `-l`, or of all, as they are stored.

    Args:
        view: which namespace, and which labels.
        name: of one repository, also one that is gone; empty for all.
        cluster: where they are.

    Raises:
        AbsentError: there is neither a record nor a repository of that name.
    """
    place = stored_records.EVERYWHERE if view.everywhere else cluster.namespace
    uids = None
    if view.selector:
        uids = {each.uid for each in await cluster.repositories(place, view.selector)}
    found = [
        body
        async for body in stored_records.bodies(cluster, place, name)
        if uids is None or body["spec"]["repository"]["uid"] in uids
    ]
    if name and not found:
        await cluster.repository(name)
    return found


def recorded(bodies: Sequence[Body]) -> tuple[tuple[RecordedSync, ...], ExitCode]:
    """Return the syncs that records tell of, the oldest first; records of a newer Towline are named and left out."""
    records, unread = [], []
    for body in bodies:
        try:
            records.append(recordbody.from_body(body))
        except (KeyError, TypeError, ValueError):
            unread.append(str(body["metadata"]["name"]))
    if unread:
        named = ", ".join(unread[:3]) + (f" and {len(unread) - 3} more" if len(unread) > 3 else "")
        output.note(f"records that a newer Towline has written are not shown: {named}; upgrade this towline")
    return recorded_sync.syncs(records), ExitCode.NO_ANSWER if unread else ExitCode.GOOD


def where(view: View, cluster: Cluster) -> str:
    """Say where records were looked for."""
    labelled = f", of repositories with the labels {view.selector}" if view.selector else ""
    return ("in any namespace" if view.everywhere else f"in namespace {cluster.namespace}") + labelled
