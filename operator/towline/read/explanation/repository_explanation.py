"""Explain why a repository is not ready, not as in Git, or being deleted, by what its status and records say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from towline.api import condition
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.errors import Reason
from towline.model import Body
from towline.read.explanation import cause, health_causes, status_causes, stuck_deletions
from towline.read.explanation.cause import Explanation, FoundCause
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs

_WAITING = "the operator has not looked at it yet: check that it runs, and that it serves this namespace"
_WELL = {Reason.SUCCEEDED, Reason.PLANNED}


def explain(
    repository: GitRepository, body: Body, unready: Sequence[UnreadyObject], syncs: KnownSyncs
) -> Explanation:
    """Return why a repository is not as wanted.

    Args:
        repository: as it is stored.
        body: the same as JSON.
        unready: its objects that are not ready.
        syncs: its records.
    """
    name = f"GitRepository {repository.key}"
    ready = condition.find(repository.status, Type.READY)
    if repository.deleting:
        found = tuple(stuck_deletions.causes(body, status_causes.own_name(repository)))
        sentence = stuck_deletions.sentence(name, body, found)
        told = f"; {ready['message']}" if _is_refused(ready) else ""
        return Explanation(sentence=f"{sentence}{told}", since=repository.deleted_at, causes=found)
    if not ready:
        return Explanation(sentence=f"{name}: {_WAITING}", since=repository.created_at)
    if ready.get("observedGeneration", 0) < repository.generation:
        return Explanation(
            sentence=f"{name}: its spec is newer than its status: {_WAITING}",
            causes=(_of_spec(repository, body),),
        )
    found = _causes(repository, ready, unready, syncs)
    return _told(name, repository, ready, found)


def waits_for_others(repository: GitRepository) -> bool:
    """Tell whether a repository waits for those that it depends on."""
    ready = condition.find(repository.status, Type.READY)
    return ready.get("reason") == Reason.DEPENDENCY_NOT_READY


def retold(explained: Explanation, causes: tuple[FoundCause, ...]) -> Explanation:
    """Return an explanation whose causes are known better; it names the commit that brought the first of them."""
    first = next(iter(causes), FoundCause())
    if explained.is_well or causes == explained.causes or first.commit[:7] in explained.sentence:
        return replace(explained, causes=causes)
    by = f" by {first.author}" if first.author else ""
    return replace(
        explained, sentence=f"{explained.sentence}. It came with {first.commit[:7]}{by}", causes=causes
    )


def _causes(
    repository: GitRepository, ready: Body, unready: Sequence[UnreadyObject], syncs: KnownSyncs
) -> tuple[FoundCause, ...]:
    status = repository.status
    commits: Mapping[str, str] = status.get("commit") or {}
    reason = str(ready.get("reason", ""))
    blamed = _blamed(repository, reason, str(ready.get("message", "")), syncs)
    ailing = (
        found
        for each in unready
        for found in health_causes.causes(each, syncs, commits.get("healthy", ""), commits.get("applied", ""))
    )
    return (*_suspended(repository), *blamed, *ailing, *status_causes.drift(status, syncs))


def _blamed(
    repository: GitRepository, reason: str, message: str, syncs: KnownSyncs
) -> tuple[FoundCause, ...]:
    """Return what keeps the observed commit from being applied."""
    found: tuple[FoundCause, ...] = ()
    if status_causes.is_of_commit(reason):
        refused = status_causes.refusals(repository.status, syncs)
        found = (*refused, *status_causes.blocked(repository.status, syncs))
    elif reason == Reason.VERIFICATION_FAILED:
        found = tuple(status_causes.signatures(repository, syncs))
    if found or reason in {Reason.UNHEALTHY, Reason.PROGRESSING, *_WELL}:
        return found
    return tuple(status_causes.of_reason(repository, reason, message, syncs))


def _told(name: str, repository: GitRepository, ready: Body, found: tuple[FoundCause, ...]) -> Explanation:
    """Say the most important thing that is wrong, since when, and whether a change explains it."""
    wrong = next((each for each in _wrong(repository.status) if each), ready)
    message = str(wrong.get("message", "")).rstrip(".")
    since = str(wrong.get("lastTransitionTime", ""))
    if wrong is ready and ready.get("status") == Truth.TRUE:
        return Explanation(sentence=f"{name} is ready and as in Git: {message}", is_well=True, causes=found)
    unexplained = "" if found else f". {cause.UNEXPLAINED}{_since_healthy(repository.status)}"
    return Explanation(sentence=f"{message}{unexplained}", since=since, causes=found)


def _wrong(status: Body) -> Sequence[Body]:
    """Return the conditions that are not as wanted, the most important first."""
    found = {kind: condition.find(status, kind) for kind in Type}
    is_suspended = found[Type.SUSPENDED].get("status") == Truth.TRUE
    return (
        found[Type.READY] if found[Type.READY].get("status") != Truth.TRUE else {},
        found[Type.SUSPENDED] if is_suspended else {},
        found[Type.DRIFTED] if found[Type.DRIFTED].get("status") == Truth.TRUE else {},
        found[Type.HEALTHY] if found[Type.HEALTHY].get("status") == Truth.FALSE else {},
    )


def _suspended(repository: GitRepository) -> tuple[FoundCause, ...]:
    found = condition.find(repository.status, Type.SUSPENDED)
    if found.get("status") != Truth.TRUE:
        return ()
    by_spec = repository.raw_spec.get("suspend") is True
    told: Mapping[str, str] = repository.status.get("suspension") or {}
    return (
        FoundCause(
            object=status_causes.own_name(repository),
            pointer="/spec/suspend" if by_spec else "/metadata/annotations/towline.dev~1suspend",
            author=told.get("by", ""),
            reason=Reason.SUSPENDED,
            evidence=str(found.get("message", "")),
        ),
    )


def _of_spec(repository: GitRepository, body: Body) -> FoundCause:
    entries = [each for each in body["metadata"].get("managedFields") or () if not each.get("subresource")]
    newest: Body = max(entries, key=lambda each: str(each.get("time", "")), default={})
    return FoundCause(
        object=status_causes.own_name(repository),
        pointer="/spec",
        author=str(newest.get("manager", "")),
        reason=Reason.PROGRESSING,
        evidence=f"generation {repository.generation} was written at {newest.get('time', 'an unknown time')}",
    )


def _is_refused(ready: Body) -> bool:
    return bool(ready) and ready.get("status") == Truth.FALSE


def _since_healthy(status: Body) -> str:
    commits: Mapping[str, str] = status.get("commit") or {}
    if commits.get("healthy") and commits.get("healthy") == commits.get("applied"):
        return f": with {commits['applied'][:7]}, which is applied, all objects were ready"
    return ""
