"""Read a cluster with the rights of the user who asks: repositories, records, live objects and their Events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from towline.api import gitrepository, recordbody, syncrecord
from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import SyncRecord
from towline.errors import ClusterError
from towline.kube import calls, credentials
from towline.kube.client import Client
from towline.kube.credentials import ClusterChoice
from towline.kube.discovery import Discovery
from towline.model import Body, Key, ObjectRef, Resource
from towline.read import kind_names, read_errors
from towline.read.read_errors import AbsentError

PATIENCE_SECONDS = 3.0
"""For how long a person waits for an API server that does not answer, before its last attempt."""

_PAGE = "250"
_RECORDS_PAGE = "5"
"""A record may have half a MiB."""

EVENT = Resource(group="", version="v1", kind="Event", plural="events", namespaced=True)
"""The Events of the core group, which all API servers keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveObject:
    """One object of the cluster as it is, and how its kind is served."""

    resource: Resource
    body: Body

    @property
    def ref(self) -> ObjectRef:
        """Its identity."""
        metadata = self.body["metadata"]
        group, kind = self.resource.group_kind
        return ObjectRef(group, kind, metadata.get("namespace", ""), metadata["name"])


class Cluster:
    """One cluster as one user may read it.

    Every method raises `NotAllowedError` where the user may not read what is asked for, `AbsentError` where the API
    server does not serve its kind, and `ClusterError` where there is no answer.

    Args:
        client: sends the requests, with the user's credentials.
        namespace: the one that names are looked up in.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.discovery = Discovery(client)

    async def repositories(self, namespace: str, selector: str = "") -> list[GitRepository]:
        """Return the GitRepositories of a namespace, or of the cluster where it is empty, in the order of names."""
        items = self.listed(gitrepository.RESOURCE, namespace, selector)
        return [gitrepository.identify(item) async for item in items]

    async def repository(self, name: str, namespace: str = "") -> GitRepository:
        """Return one GitRepository.

        Raises:
            AbsentError: there is none of that name.
        """
        place = namespace or self.namespace
        return gitrepository.identify(await self.get(gitrepository.RESOURCE, place, name))

    async def records(self, repository: Key, uid: str = "") -> AsyncIterator[SyncRecord]:
        """Yield the SyncRecords of a repository, wherever they are kept, the oldest of each resource first.

        Args:
            repository: also one that is gone.
            uid: leaves those of earlier resources of the same name out.
        """
        chosen = {"spec.repository.namespace": repository.namespace, "spec.repository.name": repository.name}
        if uid:
            chosen["spec.repository.uid"] = uid
        selector = ",".join(f"{field}={value}" for field, value in chosen.items())
        query = {"fieldSelector": selector, "limit": _RECORDS_PAGE}
        place = await self.records_place(repository.namespace, selector)
        with read_errors.named("list", syncrecord.RESOURCE, place):
            async for page in self.client.pages(syncrecord.RESOURCE.path(place), query):
                for item in page["items"] or ():
                    yield _record(item)

    async def newest_records(self, repository: Key, uid: str, most: int) -> AsyncIterator[SyncRecord]:
        """Yield at most so many records of a repository, the newest first."""
        selector = f"spec.repository.uid={uid}"
        place = await self.records_place(repository.namespace, selector)
        accept, fields = calls.METADATA_LIST, selector
        listed = self.listed(syncrecord.RESOURCE, place, fields=fields, accept=accept)
        stored = [(item["metadata"]["name"], item["metadata"]["namespace"]) async for item in listed]
        for name, namespace in sorted(stored, reverse=True)[:most]:
            found = await self.client.found(syncrecord.RESOURCE.path(namespace, name))
            if found:  # retention may just have deleted it
                yield _record(found)

    async def records_place(self, namespace: str, selector: str) -> str:
        """Return where the records of repositories are: in their own namespace, or any (empty) where none is there.

        Who may read one namespace alone is asked about that one first.
        """
        query = {"fieldSelector": selector, "limit": "1"}
        with read_errors.named("list", syncrecord.RESOURCE, namespace):
            own = await self.client.request("GET", syncrecord.RESOURCE.path(namespace), query=query)
        return namespace if own.body["items"] else ""

    async def resource(self, kind: str) -> Resource:
        """Return how the kind is served that a user names as for kubectl.

        Raises:
            AbsentError: the API server serves no such kind.
        """
        known = await self.discovery.everything()
        if found := kind_names.find(known, kind):
            return found
        like = kind_names.similar(known, kind)
        hint = f"did you mean {' or '.join(like)}?" if like else "kubectl api-resources lists what there is"
        raise AbsentError(f'the API server serves no kind "{kind}": {hint}')

    async def live(self, text: str) -> LiveObject:
        """Return the object that a user names as `KIND/NAME`.

        Raises:
            AbsentError: there is no such kind, or no such object.
            ValueError: the text does not name an object.
        """
        named = kind_names.parse(text)
        resource = await self.resource(named.kind)
        place = (named.namespace or self.namespace) if resource.namespaced else ""
        return LiveObject(resource=resource, body=await self.get(resource, place, named.name))

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        """Return one object.

        Raises:
            AbsentError: there is none of that name.
        """
        with read_errors.named("get", resource, namespace, name):
            found = await self.client.found(resource.path(namespace, name))
        if found is None:
            raise AbsentError(_absent(resource, namespace, name))
        return found

    async def listed(
        self,
        resource: Resource,
        namespace: str = "",
        selector: str = "",
        *,
        fields: str = "",
        accept: str = calls.JSON,
    ) -> AsyncIterator[Body]:
        """Yield the objects of one kind, in a namespace, or everywhere where that is empty.

        Args:
            resource: the kind.
            namespace: where they are.
            selector: of labels, as kubectl's `-l` takes it.
            fields: a field selector.
            accept: which encoding, whole objects or metadata alone.
        """
        given = {"labelSelector": selector, "fieldSelector": fields, "limit": _PAGE}
        query = {name: value for name, value in given.items() if value}
        with read_errors.named("list", resource, namespace):
            async for page in self.client.pages(resource.path(namespace), query, accept=accept):
                for item in page.get("items") or ():
                    yield {**item, "apiVersion": resource.api_version, "kind": resource.kind}

    async def names(self, resource: Resource, namespace: str = "") -> list[str]:
        """Return the names of the objects of one kind, by their metadata alone."""
        query = {"limit": _PAGE}
        with read_errors.named("list", resource, namespace):
            pages = self.client.pages(resource.path(namespace), query, accept=calls.METADATA_LIST)
            return [item["metadata"]["name"] async for page in pages for item in page.get("items") or ()]

    async def events(self, namespace: str, uid: str = "") -> AsyncIterator[Body]:
        """Yield the Events of a namespace, or those about the object with this uid."""
        chosen = f"involvedObject.uid={uid}" if uid else ""
        async for event in self.listed(EVENT, namespace, fields=chosen):
            yield event


@asynccontextmanager
async def opened(
    choice: ClusterChoice, namespace: str = "", client_type: type[Client] = Client
) -> AsyncIterator[Cluster]:
    """Connect to a cluster.

    Args:
        choice: which one, and as whom.
        namespace: the one to look names up in; by default that of the context.
        client_type: what sends the requests, such as a client that refuses to write.

    Raises:
        ClusterError: there is no configuration, or it cannot be used.
    """
    place = namespace or await credentials.threaded(partial(credentials.context_namespace, choice))
    async with client_type(partial(credentials.load, choice), patience=PATIENCE_SECONDS) as client:
        yield Cluster(client, place)


def _record(body: Body) -> SyncRecord:
    """Read a record.

    Raises:
        ClusterError: a newer version of Towline wrote it, in a form that this one does not know.
    """
    try:
        return recordbody.from_body(body)
    except (KeyError, TypeError, ValueError) as error:
        name = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
        raise ClusterError(f"the SyncRecord {name} cannot be read: upgrade this towline") from error


def _absent(resource: Resource, namespace: str, name: str) -> str:
    where = f" in namespace {namespace}" if namespace else ""
    return f'there is no {resource.kind} "{name}"{where}: check the name' + (
        ", or name another namespace with -n" if namespace else ""
    )
