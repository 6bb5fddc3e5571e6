"""Find all reasons why the API server refuses one object, in the server's own words."""

from __future__ import annotations

import asyncio

from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import Prediction
from towline.errors import ApiError, ClusterError, Failure, Refusal
from towline.fields import server_paths
from towline.kube import object_failures, refusals
from towline.kube.object_failures import Subject
from towline.model import Body, Change

_ROUNDS = 20
"""The most dry runs of one object; one is enough where no map has two unknown fields."""


async def translated(
    change: Change, error: ApiError, sync: WriteContext, before: Body | None
) -> tuple[Failure, ...]:
    """Translate one answer; `before` is the live object as `live_body` gives it.

    Raises:
        ApiError: it refuses Towline as a whole, not this object.
    """
    if refusals.concerns_all(error):
        raise error
    return await told(error, object_failures.subject(change, sync.commit_of(change), before), sync)


async def told(error: ApiError, about: Subject, sync: WriteContext) -> tuple[Failure, ...]:
    """Return the failures that an answer names; searching it for the secrets of a large object takes a while."""
    return await asyncio.to_thread(object_failures.failures, error, about, sync.mask)


def invalid(change: Change, words: str, sync: WriteContext) -> Failure:
    """Return a refusal that no answer has told yet, but will."""
    return object_failures.failure(object_failures.subject(change, sync.revision.sha), Refusal.INVALID, words)


async def live_body(objects: Objects, change: Change, error: ApiError, sync: WriteContext) -> Body | None:
    """Read the object that a refusal is about, and may quote: empty where there is none, None where it is not known."""
    if refusals.concerns_all(error):
        return {}
    try:
        return await objects.read(change.ref, sync) or {}
    except ApiError as unread:
        return {} if refusals.is_unserved(unread) else None
    except ClusterError:
        return None


async def every(
    objects: Objects, found: Prediction, error: ApiError, sync: WriteContext
) -> tuple[Failure, ...]:
    """Translate the refusal of an apply, and find the errors that it leaves out.

    The server ends its look at a map with the first unknown field, and which one is first changes from try to
    try. So it is asked again, by dry runs without what it has named, until it names nothing more.

    Raises:
        ApiError: the server refuses Towline as a whole.
    """
    named: dict[tuple[str, str], Failure] = {}
    body = found.body
    before = found.before or await live_body(objects, found.change, error, sync)
    for _ in range(_ROUNDS):
        failures = await translated(found.change, error, sync, before)
        named |= {(failure.field, failure.message): failure for failure in failures}
        known = await asyncio.to_thread(
            _without_unknown, body, failures
        )  # copies a large map a hundred times
        if known is body:
            break
        body = known
        try:
            await objects.rehearse(body, found.change.ref, sync, force=found.before is not None)
        except ApiError as next_error:
            if not refusals.is_typed(next_error):
                break
            error = next_error
        else:
            break
    return tuple(named[key] for key in sorted(named, key=lambda each: (not each[0], each)))


def _without_unknown(body: Body, told: tuple[Failure, ...]) -> Body:
    for failure in told:
        if failure.reason == Refusal.UNKNOWN_FIELD:
            body = server_paths.without(body, failure.field)
    return body
