"""The requests about SyncRecords, each repeated until it is known how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import towline
from towline.api import labels, recordbody
from towline.api.syncrecord import RESOURCE, SyncRecord
from towline.errors import ApiError, ClusterError
from towline.kube import calls
from towline.kube.calls import UnansweredError
from towline.kube.client import Client
from towline.model import Body, Key
from towline.records import chain
from towline.records.retention import Stored

Pause = Callable[[float], Awaitable[None]]

_PAGE = "500"
_WHOLE_PAGE = "5"
"""A record may have half a MiB."""
_WAITS = (0.5, 1.0, 2.0)


class AnotherOperatorError(ClusterError):
    """Somebody else writes the records of this repository: stop, read everything afresh, begin again."""


class Records:
    """The SyncRecords of a cluster; `pause` waits a number of seconds."""

    def __init__(self, client: Client, pause: Pause = asyncio.sleep) -> None:
        self._client = client
        self._pause = pause

    async def create(self, record: SyncRecord) -> None:
        """Create an open record; one that exists already is accepted if it says the same.

        Raises:
            AnotherOperatorError: the name is taken by another record.
            ApiError: the cluster refuses it.
            ClusterError: it is not known whether the record exists.
        """
        body = {name: value for name, value in recordbody.to_body(record).items() if name != "status"}
        try:
            await self._persist("POST", RESOURCE.path(record.namespace), body, record)
        except ApiError as error:
            if error.code != 409:
                raise
            await self._compare(record, error)

    async def finish(self, record: SyncRecord) -> None:
        """Write the status of a closed record; one that is closed already is accepted if it says the same.

        Raises:
            AnotherOperatorError: it was closed otherwise.
            ApiError: the cluster refuses it, or has no such record (404).
            ClusterError: it is not known whether the record is closed.
        """
        path = RESOURCE.path(record.namespace, record.name) + "/status"
        if record.closing is None:
            raise ValueError(f"{record.name} is open")
        status = recordbody.status_body(record.closing)
        try:
            await self._persist("PATCH", path, {"status": status}, record)
        except ApiError as error:
            if error.code != 422:
                raise
            found = await self._get(record.namespace, record.name)
            if not found or not found.get("status"):
                raise
            if found["status"].get("digest") != status["digest"]:
                raise AnotherOperatorError(f"{record.name} was closed by another operator") from error

    async def read(self, namespace: str, name: str) -> SyncRecord | None:
        """Return one record, None where there is none.

        Raises:
            ClusterError: no answer, or a record that this version does not understand.
        """
        body = await self._get(namespace, name)
        try:
            return recordbody.from_body(body) if body else None
        except (KeyError, TypeError, ValueError) as error:
            raise ClusterError(f"the record {namespace}/{name} cannot be read") from error

    async def stored(self, namespace: str, *chosen: str) -> tuple[Stored, ...]:
        """Return which records a namespace holds, without their content; without the CRD there are none.

        Args:
            namespace: that of the records.
            chosen: field selectors that all must hold.

        Raises:
            ClusterError: no answer.
        """
        return tuple([each async for page in self.pages(namespace, *chosen) for each in page])

    async def pages(self, namespace: str, *chosen: str) -> AsyncIterator[list[Stored]]:
        """Yield which records a namespace holds, in pages, without their content; without the CRD there are none.

        Args:
            namespace: that of the records, or empty for all.
            chosen: field selectors that all must hold.

        Raises:
            ClusterError: no answer.
        """
        query = {"fieldSelector": ",".join(chosen), "limit": _PAGE}
        pages = self._client.pages(RESOURCE.path(namespace), query, accept=calls.METADATA_LIST)
        try:
            async for page in pages:
                yield [_stored(item["metadata"]) for item in page["items"] or ()]
        except ApiError as error:
            if error.code != 404:
                raise

    async def whole(self, namespace: str, *chosen: str) -> AsyncIterator[list[Body]]:
        """Yield the records that a namespace holds, in pages, as JSON; without the CRD there are none.

        Args:
            namespace: that of the records.
            chosen: field selectors that all must hold.

        Raises:
            ClusterError: no answer.
        """
        query = {"fieldSelector": ",".join(chosen), "limit": _WHOLE_PAGE}
        try:
            async for page in self._client.pages(RESOURCE.path(namespace), query):
                yield page["items"] or []
        except ApiError as error:
            if error.code != 404:
                raise

    async def subject(self, uid: str) -> Key | None:
        """Return which repository has this uid, or had it, by any of its records; None where there is none.

        Raises:
            ClusterError: no answer.
        """
        query = {"fieldSelector": f"spec.repository.uid={uid}", "limit": "1"}
        try:
            found = (await self._client.request("GET", RESOURCE.path(), query=query)).body["items"] or ()
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        subjects = (record["spec"]["repository"] for record in found)
        return next((Key(subject["namespace"], subject["name"]) for subject in subjects), None)

    async def delete(self, namespace: str, stored: Stored) -> None:
        """Delete one record, unless it is gone already or another one of its name."""
        options = {"preconditions": {"uid": stored.uid}}
        try:
            await self._client.request("DELETE", RESOURCE.path(namespace, stored.name), body=options)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise

    async def _get(self, namespace: str, name: str) -> Body | None:
        return await self._client.found(RESOURCE.path(namespace, name))

    async def _compare(self, record: SyncRecord, error: ApiError) -> None:
        found = await self._get(record.namespace, record.name)
        if found is None:
            raise error
        try:
            is_same = chain.opened(found) == chain.opened(recordbody.to_body(record))
        except ValueError:  # a newer version of Towline wrote it, in a form that this one does not know
            is_same = False
        if not is_same:
            raise AnotherOperatorError(f"{record.name} was written by another operator") from error

    async def _persist(self, verb: str, path: str, body: Body, record: SyncRecord) -> None:
        """Send a write until it is answered: both writes may be repeated, for what they find is compared."""
        subject = record.intent.subject
        key = Key(subject.namespace, subject.name)
        agent = labels.user_agent(towline.__version__, key, record.intent.target, record.name)
        kind = calls.JSON if verb == "POST" else calls.MERGE_PATCH
        for wait in (*_WAITS, None):
            try:
                await self._client.request(verb, path, body=body, content_type=kind, user_agent=agent)
            except UnansweredError:
                if wait is None:
                    raise
            else:
                return
            await self._pause(wait)


def _stored(metadata: Body) -> Stored:
    rest, _, sequence = metadata["name"].rpartition("-")
    return Stored(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        repository=rest.rpartition("-")[2],
        uid=metadata["uid"],
        sequence=int(sequence) if sequence.isdecimal() else 0,
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
    )
