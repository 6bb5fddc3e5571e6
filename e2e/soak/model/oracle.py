"""Whether everything is as it would be had nothing happened but the commits."""

from __future__ import annotations

from collections.abc import Mapping

from e2e.harness import identity
from e2e.harness.audit import AuditEvent, Mark
from e2e.harness.cluster import Object
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects
from e2e.soak.model.world import NAMES, World

DEADLINE = 180.0


def until_restored(world: World, sha: str) -> None:
    """Wait until both repositories have applied a commit, and own exactly what it declares."""
    for repository in world.both:
        repository.until_ready(sha, deadline=DEADLINE)
    for repository in world.both:
        _until_declared(world, repository)
    edited, twin = (_lasting(world, repository) for repository in world.both)
    assert edited == twin


def _until_declared(world: World, repository: Repository) -> None:
    eventually(
        lambda: colours(world, repository) == world.declared,
        deadline=DEADLINE,
        poll=0.3,
        message=lambda: (
            f"{repository.namespace} as Git declares: {world.declared}, not {colours(world, repository)}"
        ),
    )


def colours(world: World, repository: Repository) -> dict[str, str]:
    """Return the colour of each object that carries the label of a repository."""
    found = managed_objects.config_maps(world.cluster, repository)
    return {name: body["data"].get("colour", "") for name, body in found.items()}


def orphans(world: World) -> list[str]:
    """Return the objects of the model that are there, and that no repository owns."""
    return [
        f"{repository.namespace}/{name}"
        for repository in world.both
        for name in _present(world, repository).keys()
        - managed_objects.config_maps(world.cluster, repository)
    ]


def wrong_deletes(world: World, mark: Mark) -> list[str]:
    """Return what the operator deleted although Git did not give it up, or whatever it was."""
    return [
        str(event)
        for event in world.audit.writes(mark, identity.OPERATOR)
        if _deletes(event) and not (event.name in world.given_up and _uid(event))
    ]


def _deletes(event: AuditEvent) -> bool:
    return event.verb.startswith("delete") and event.resource == "configmaps" and event.succeeded


def _uid(event: AuditEvent) -> str:
    return str(((event.body or {}).get("preconditions") or {}).get("uid", ""))


def _present(world: World, repository: Repository) -> dict[str, Object]:
    found = world.cluster.list("v1", "ConfigMap", repository.namespace)
    return {body["metadata"]["name"]: body for body in found if body["metadata"]["name"] in NAMES}


def _lasting(world: World, repository: Repository) -> Mapping[str, object]:
    """Return of each object what is the same in both namespaces: content, and where it says that it comes from."""
    found = managed_objects.config_maps(world.cluster, repository)
    return {name: (body["data"], managed_objects.origin(body)[1]) for name, body in found.items()}
