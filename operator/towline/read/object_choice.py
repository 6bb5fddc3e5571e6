"""Find the object that a person means in records, also one that is gone, and of a kind that is."""

from __future__ import annotations

from towline.read import kind_names
from towline.read.applied_history.log_filter import WantedObject
from towline.read.cluster import Cluster
from towline.read.read_errors import AbsentError


async def wanted(cluster: Cluster, text: str) -> WantedObject:
    """Return what records must name for `KIND/NAME`; one in any namespace, if the text names none.

    Raises:
        AbsentError: the text names no kind that is served, in a spelling that only an API server knows.
        ClusterError: no answer.
    """
    try:
        named = kind_names.parse(text)
    except ValueError as error:
        raise AbsentError(str(error)) from error
    try:
        resource = await cluster.resource(named.kind)
    except AbsentError:
        kind, _, group = named.kind.partition(".")
        if not kind[:1].isupper():
            raise
        return WantedObject(
            kinds=frozenset({kind.lower()}), name=named.name, group=group, namespace=named.namespace
        )
    return WantedObject(
        kinds=frozenset({resource.kind.lower()}),
        name=named.name,
        group=resource.group,
        namespace=named.namespace,
    )
