"""One repository's way to the API server, without an operator: for stories about single writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from towline.api.gitrepository import Adopt
from towline.apply.objects import WriteContext
from towline.apply.outcomes import WriteResult
from towline.apply.preflight import Preflight
from towline.apply.write import Deadlines
from towline.apply.writer import Writer
from towline.fields import mask
from towline.kube.client import Client
from towline.kube.credentials import Access
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.live.observed import live_from
from towline.model import Action, Change, Key, Manifest, ObjectRef, Origin, Outcome, Person, Revision
from towline.plan import manifest, waves
from towline.plan.stamp import Identity, Stamps

from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster, Object

FIRST = "1" * 40
SECOND = "2" * 40
UID = "00000000-0000-4000-8000-000000000001"
OTHER_UID = "00000000-0000-4000-8000-000000000002"
STAMPS = Stamps(key=b"s" * 32)
ADA = Person(name="Ada", email="ada@example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The repository `namespace/name` at one commit.

    `uid` tells it from others of its name. `careful` is spec.preflight, `force` and `adopt` are those of the spec.
    `gone`, `established` and `lifted` are the deadlines of its writer, in seconds.
    """

    client: Client
    discovery: Discovery
    index: Index
    namespace: str
    name: str = "app"
    uid: str = UID
    commit: str = FIRST
    force: bool = False
    careful: bool = True
    adopt: Adopt = Adopt.UNMANAGED
    gone: float = 5.0
    established: float = 10.0
    lifted: float = 10.0

    @property
    def sync(self) -> WriteContext:
        """The sync that its requests belong to."""
        revision = Revision(
            sha=self.commit,
            author=ADA,
            committer=ADA,
            authored_at="2026-01-01T00:00:00Z",
            committed_at="2026-01-01T00:00:00Z",
            subject="Change things",
        )
        return WriteContext(
            identity=Identity(key=Key(self.namespace, self.name), uid=self.uid),
            revision=revision,
            mask=mask.Mask(b"k" * 32),
            stamps=STAMPS,
            record="app-00000000-00000001",
            force=self.force,
            preflight=self.careful,
            adopt=self.adopt,
        )

    @property
    def writer(self) -> Writer:
        """A writer that remembers nothing."""
        deadlines = Deadlines(gone=self.gone, established=self.established, lifted=self.lifted)
        return Writer(self.client, self.discovery, self.index, deadlines)

    async def preflight(self, *bodies: Object, action: Action = Action.CREATE) -> Preflight:
        """Predict one action on what some files declare."""
        return await self.writer.preflight([plan(body, action) for body in bodies], self.sync)

    async def apply(self, *bodies: Object, action: Action = Action.CREATE) -> WriteResult:
        """Do what a pass does with these files: preflight, which must find nothing, then write."""
        writer = self.writer
        flight = await writer.preflight([plan(body, action) for body in bodies], self.sync)
        assert flight.failures == ()
        return await writer.write(flight.predictions, self.sync)

    async def prune(self, *changes: Change) -> WriteResult:
        """Delete what was planned."""
        return await self.writer.prune(changes, self.sync)

    async def release(self, *changes: Change) -> WriteResult:
        """Release what was planned."""
        return await self.writer.release(changes, self.sync)


@asynccontextmanager
async def opened(access: Access, namespace: str) -> AsyncIterator[Desk]:
    """Open a desk for the repository `app` in a namespace."""
    async with Client(lambda: access, jitter=lambda: 0.0) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda _label, _ref: None, stamps=STAMPS)
        try:
            yield Desk(client=client, discovery=discovery, index=index, namespace=namespace)
        finally:
            await index.aclose()


def declare(body: Object) -> Manifest:
    """Turn an object into the manifest of line 3 of deploy/app.yaml."""
    group, _, _ = body["apiVersion"].rpartition("/")
    metadata = body["metadata"]
    ref = ObjectRef(group, body["kind"], metadata.get("namespace", ""), metadata["name"])
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return manifest.declare(body, ref, digest, Origin(file="deploy/app.yaml", line=3))


def plan(body: Object, action: Action) -> Change:
    """Plan one action on what a file declares."""
    declared = declare(body)
    return Change(action=action, ref=declared.ref, manifest=declared, wave=waves.wave(declared))


def removal(cluster: Cluster, body: Object, action: Action = Action.PRUNE) -> Change:
    """Plan the end of our ownership of an object as it is now."""
    ref = declare(body).ref
    found = cluster.get(body["apiVersion"], ref.kind, ref.name, ref.namespace)
    live = live_from(found, STAMPS, ref)
    return Change(action=action, ref=ref, live=live, wave=waves.ref_wave(ref.group_kind))


def reasons(written: WriteResult) -> dict[str, str]:
    """Return how each object ended, by its name: the reason of its failure, or `done`, or `not tried`."""
    return {outcome.change.ref.name: _reason(outcome) for outcome in written.outcomes}


def _reason(outcome: Outcome) -> str:
    return outcome.failures[0].reason if outcome.failures else str(outcome.result)


def sent(audit: AuditLog, mark: Mark) -> list[str]:
    """Return the user agents of what a desk changed or tried to change; an operator beside it has other commits."""
    agents = [each.user_agent for each in audit.since(mark) if each.writes]
    ours = (f"commit={FIRST};", f"commit={SECOND};")
    return [agent for agent in agents if agent.startswith("towline/") and any(sha in agent for sha in ours)]


def config_map(namespace: str, name: str = "settings", **data: str) -> Object:
    """Declare a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def deployment(namespace: str, name: str = "web", **spec: Any) -> Object:
    """Declare a Deployment of one container."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "registry.example/web:1"}]},
    }
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector, "template": template, **spec},
    }
