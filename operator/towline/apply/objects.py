"""Send the requests about one managed object, each in the name of one repository and revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import towline
from towline.api import labels
from towline.api.gitrepository import Adopt, ForeignFields
from towline.errors import ApiError, Cause
from towline.fields.mask import Mask
from towline.kube import calls, refusals
from towline.kube.calls import Answer
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.model import Body, Change, ChangedBy, GroupKind, Manifest, ObjectRef, Resource, Revision
from towline.plan import scope
from towline.plan.ownership import NO_EVIDENCE, Evidence
from towline.plan.stamp import Identity, Stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteContext:
    """The repository and revision for which objects are written, and how.

    `changed_by` are the commits that made objects what they are, as far as they are known; for others that is the
    revision. `record` is the name of the open SyncRecord, empty before there is one; `moment` is when the sync began
    (RFC 3339). `force`, `preflight`, `adopt` and `foreign` are those of the spec. `mask` takes secrets out of what the
    server says. `stamps` prove that the operator wrote an object, `evidence` is for those without a valid one.
    """

    identity: Identity
    revision: Revision
    mask: Mask
    stamps: Stamps
    evidence: Evidence = NO_EVIDENCE
    changed_by: Mapping[ObjectRef, ChangedBy] = field(default_factory=dict)
    record: str = ""
    moment: str = ""
    force: bool = False
    preflight: bool = True
    adopt: Adopt = Adopt.UNMANAGED
    foreign: ForeignFields = ForeignFields.REPORT

    @property
    def user_agent(self) -> str:
        """What the API server's audit log shows of each request."""
        return labels.user_agent(towline.__version__, self.identity.key, self.revision.sha, self.record)

    def change_of(self, manifest: Manifest) -> ChangedBy:
        """Return the commit that made an object what the manifest declares."""
        found = self.changed_by.get(manifest.ref)
        return found or ChangedBy(revision=self.revision, origin=manifest.origin)

    def commit_of(self, change: Change) -> str:
        """Return the sha of the commit to blame for what a change writes: file and line of its manifest hold there."""
        known = self.changed_by.get(change.ref)
        same = known and change.manifest and known.origin[:2] == change.manifest.origin[:2]
        return known.revision.sha if known and same else self.revision.sha


class Page(NamedTuple):
    """Some objects of one kind; `following` asks for the next ones, `remaining` says how many."""

    refs: tuple[ObjectRef, ...]
    following: str
    remaining: int


class _Request(NamedTuple):
    """One request about one object, or all of a kind (no name), by their metadata or `whole`.

    An empty version means the preferred one.
    """

    verb: str
    ref: ObjectRef
    version: str = ""
    query: calls.Query | None = None
    body: Body | list[Body] | None = None
    whole: bool = False

    @property
    def content_type(self) -> str:
        """Which kind of patch it is, if it is one."""
        if self.verb != "PATCH":
            return calls.JSON
        return calls.JSON_PATCH if isinstance(self.body, list) else calls.APPLY

    @property
    def accept(self) -> str:
        """Which form of the answer."""
        return calls.JSON if self.ref.name or self.whole else calls.METADATA_LIST


class Objects:
    """One API server's objects; each method raises ApiError for a refusal, ClusterError without an answer."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client = client
        self._discovery = discovery

    async def read(self, ref: ObjectRef, sync: WriteContext, version: str = "") -> Body | None:
        """Return the object, None where it does not exist."""
        try:
            return (await self._send(_Request("GET", ref, version), sync)).body
        except ApiError as error:
            if refusals.is_absent(error):
                return None
            raise

    async def find(self, ref: ObjectRef, sync: WriteContext, version: str) -> Body | None:
        """Return the object, in the preferred version where `version` is not served yet; None where it does not exist.

        A commit may bring the version that it declares an object in: until its CRD is written, the object exists in
        another one.
        """
        served = await self._discovery.resource(ref.group_kind, version)
        return await self.read(ref, sync, version if served else "")

    async def page(
        self, collection: ObjectRef, sync: WriteContext, version: str, where: tuple[int, str]
    ) -> Page:
        """Return which objects there are, whoever owns them.

        Args:
            collection: their kind, and their namespace or none for all; the name is empty.
            sync: who asks.
            version: in which they are read.
            where: how many at most, and what the page before said of the following one.
        """
        limit, following = where
        query = {"limit": str(limit)} | ({"continue": following} if following else {})
        body = (await self._send(_Request("GET", collection, version, query), sync)).body
        held = metadata(body)
        return Page(
            refs=tuple(_member(collection, metadata(item)) for item in body.get("items") or ()),
            following=held.get("continue") or "",
            remaining=held.get("remainingItemCount") or 0,
        )

    async def listed(self, kind: GroupKind, namespace: str, sync: WriteContext) -> Sequence[Body]:
        """Return the objects of a kind in one namespace, whoever owns them: of a kind of which there are few."""
        request = _Request("GET", ObjectRef(*kind, namespace, ""), whole=True)
        return (await self._send(request, sync)).body.get("items") or ()

    async def few(self, kind: GroupKind, sync: WriteContext, most: int) -> Sequence[Body] | None:
        """Return the objects of a kind in all namespaces, whoever owns them; None where they are more than `most`."""
        request = _Request("GET", ObjectRef(*kind, "", ""), query={"limit": str(most)}, whole=True)
        body = (await self._send(request, sync)).body
        return None if metadata(body).get("continue") else body.get("items") or ()

    async def plurals(self, kinds: Iterable[GroupKind]) -> Mapping[GroupKind, str]:
        """Return how the API server calls kinds in paths, as far as it serves them."""
        found = {kind: await self._discovery.resource(kind) for kind in frozenset(kinds)}
        return {kind: resource.plural for kind, resource in found.items() if resource}

    async def apply(self, body: Body, ref: ObjectRef, sync: WriteContext, *, force: bool) -> Answer:
        """Send a server-side apply; 201 says that the object did not exist."""
        return await self._apply(body, ref, sync, _applied(sync, force=force))

    async def rehearse(self, body: Body, ref: ObjectRef, sync: WriteContext, *, force: bool) -> Answer:
        """Send the same as a dry run."""
        return await self._apply(body, ref, sync, _applied(sync, force=force) | {"dryRun": "All"})

    async def rehearse_create(self, body: Body, ref: ObjectRef, sync: WriteContext) -> Answer:
        """Send a dry run of a creation by POST.

        409 AlreadyExists says that validation and admission accepted it.
        """
        resource = await self._resource(ref, version_of(body))
        return await self._client.request(
            "POST",
            resource.path(ref.namespace),
            query={"fieldManager": sync.identity.manager, "fieldValidation": "Strict", "dryRun": "All"},
            body=body,
            user_agent=sync.user_agent,
            key=sync.identity.key,
        )

    async def patch(
        self,
        now: Body,
        ref: ObjectRef,
        operations: Sequence[Body],
        sync: WriteContext,
        *,
        dry_run: bool = False,
    ) -> Body:
        """Send a JSON patch of an object in the version in which it is `now`; return what it becomes."""
        query = {"fieldManager": sync.identity.manager} | ({"dryRun": "All"} if dry_run else {})
        request = _Request("PATCH", ref, version_of(now), query, list(operations))
        return (await self._send(request, sync)).body

    async def delete(
        self, ref: ObjectRef, seen: tuple[str, str], sync: WriteContext, *, dry_run: bool = False
    ) -> Body | None:
        """Delete the object with exactly this uid and resourceVersion, in the background.

        Returns None when it is gone, and the terminating object where a finalizer holds it.
        """
        uid, resource_version = seen
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
            "propagationPolicy": "Background",  # without it the API server would orphan the Pods of a Job
        } | ({"dryRun": ["All"]} if dry_run else {})  # beside a body the API server does not read the query
        try:
            body = (await self._send(_Request("DELETE", ref, body=options), sync)).body
        except ApiError as error:
            if refusals.is_absent(error):
                return None
            raise
        terminating = body.get("kind") == ref.kind and terminates(body)
        return body if terminating else None

    async def _apply(self, body: Body, ref: ObjectRef, sync: WriteContext, query: calls.Query) -> Answer:
        return await self._send(_Request("PATCH", ref, version_of(body), query, body), sync)

    async def _send(self, request: _Request, sync: WriteContext) -> Answer:
        """Send one request; where its path is no longer served, look for the kind once more."""
        resource = await self._resource(request.ref, request.version)
        try:
            return await self._sent(request, resource, sync)
        except ApiError as error:
            if not refusals.is_unserved(error):
                raise
        self._discovery.invalidate()
        return await self._sent(request, await self._resource(request.ref, request.version), sync)

    async def _sent(self, request: _Request, resource: Resource, sync: WriteContext) -> Answer:
        return await self._client.request(
            request.verb,
            resource.path(request.ref.namespace, request.ref.name),
            query=request.query,
            body=request.body,
            content_type=request.content_type,
            accept=request.accept,
            user_agent=sync.user_agent,
            key=sync.identity.key,
        )

    async def _resource(self, ref: ObjectRef, version: str) -> Resource:
        """Return how the kind is served; a name that would change the path is refused as the server would refuse it."""
        for path, name in (("metadata.name", ref.name), ("metadata.namespace", ref.namespace)):
            if "/" in name or name in {".", ".."} or "%" in name:
                message = f'Invalid value: "{name}": may not be "." or "..", or contain "/" or "%"'
                cause = Cause(reason="FieldValueInvalid", message=message, field=path)
                raise ApiError(422, message, status_reason="Invalid", causes=(cause,))
        resource = await self._discovery.resource(ref.group_kind, version)
        if resource is None:
            served = await self._discovery.versions(ref.group_kind)
            message = scope.unserved(ref.kind, version, served)
            raise ApiError(404, message, status_reason=refusals.NOT_SERVED)
        return resource


def version_of(body: Body) -> str:
    """Return the version in the object's apiVersion, without its group."""
    return str(body.get("apiVersion", "")).rpartition("/")[2]


def metadata(body: Body) -> Mapping[str, Any]:
    """Return the metadata of a live object."""
    found: Mapping[str, Any] = body["metadata"]
    return found


def terminates(body: Body) -> bool:
    """Tell whether the object is being deleted."""
    return bool(metadata(body).get("deletionTimestamp"))


def _member(collection: ObjectRef, held: Mapping[str, Any]) -> ObjectRef:
    return collection._replace(namespace=held.get("namespace", ""), name=held["name"])


def _applied(sync: WriteContext, *, force: bool) -> dict[str, str]:
    return {
        "fieldManager": sync.identity.manager,
        "force": "true" if force else "false",
        "fieldValidation": "Strict",
    }
