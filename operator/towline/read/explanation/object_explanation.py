"""Explain why one object is not ready, not as in Git, or not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from towline import text
from towline.api import condition, labels
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.errors import Reason
from towline.fields import managed
from towline.model import Action, Body, ObjectRef, State
from towline.read.explanation import cause, health_causes, status_causes, stuck_deletions
from towline.read.explanation.cause import REMOVED, Explanation, FoundCause
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs, RecordedChange

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A repository that owns an object, or once declared it, and its records."""

    repository: GitRepository
    syncs: KnownSyncs = field(default_factory=KnownSyncs)


def present(found: UnreadyObject, owner: Owner | None) -> Explanation:
    """Return why an object that exists is not as wanted.

    Args:
        found: the object, whole, and how it is.
        owner: whose it is; None where that is nobody, or nobody that the user may see.
    """
    metadata = found.body["metadata"]
    name, shown = str(found.ref), found.ref.display
    if "deletionTimestamp" in metadata:
        held = tuple(stuck_deletions.causes(found.body, name))
        removed = _removal(name, owner)
        return Explanation(
            sentence=stuck_deletions.sentence(shown, found.body, held),
            since=metadata["deletionTimestamp"],
            causes=(*held, *removed),
        )
    if owner is None:
        return _unowned(found)
    of_git = tuple(_in_status(name, owner))
    status = owner.repository.status
    commits = status.get("commit") or {}
    is_ready = found.health.state is State.CURRENT
    ailing = (
        ()
        if is_ready
        else tuple(
            health_causes.causes(found, owner.syncs, commits.get("healthy", ""), commits.get("applied", ""))
        )
    )
    causes = (*of_git, *ailing)
    key = owner.repository.key
    if not causes and is_ready:
        return Explanation(sentence=f"{shown} is ready and as in Git, by GitRepository {key}", is_well=True)
    since = _since(status, Type.DRIFTED if of_git and is_ready else Type.HEALTHY)
    if not causes:
        why = f"{cause.UNEXPLAINED}: Git has not changed since it was ready"
        return Explanation(sentence=f"{shown} is not ready: {found.words}. {why}", since=since)
    return Explanation(sentence=_sentence(shown, causes), since=since, causes=causes)


def absent(ref: ObjectRef, owners: Sequence[Owner]) -> Explanation:
    """Return why an object is not there.

    Args:
        ref: the object.
        owners: the repositories that the user may see, with their records.
    """
    name, shown = str(ref), ref.display
    for owner in owners:
        if found := tuple(_in_status(name, owner)):
            return Explanation(
                sentence=f"{shown} does not exist: {_sentence(shown, found)}",
                since=_since(owner.repository.status, Type.READY),
                causes=found,
            )
    for owner in owners:
        if found := _removal(name, owner):
            return Explanation(
                sentence=f"{shown} does not exist: {found[0].evidence}",
                since=_removed_at(name, owner),
                causes=found,
            )
    for owner in owners:
        if (last := owner.syncs.written(name)) and not _is_ready(owner.repository):
            message = condition.find(owner.repository.status, Type.READY).get("message", "")
            found = (_written(name, owner),)
            told = f"GitRepository {owner.repository.key} wrote it in {last.record.name}, and is not ready: {message}"
            return Explanation(sentence=f"{shown} does not exist: {told}", causes=found)
    return Explanation(sentence=f"{shown} does not exist. {cause.UNEXPLAINED}: {_nobody(owners)}")


def label_of(body: Body) -> str:
    """Return the repository label of an object; empty where it has none."""
    return str((body["metadata"].get("labels") or {}).get(labels.REPOSITORY_LABEL, ""))


def may_own(repository: GitRepository, ref: ObjectRef) -> bool:
    """Tell whether a repository has written objects of this kind, or its status names this one."""
    kinds = repository.status.get("kinds") or ()
    return {"group": ref.group, "kind": ref.kind} in kinds or names(repository, ref)


def names(repository: GitRepository, ref: ObjectRef) -> bool:
    """Tell whether the status of a repository names an object."""
    return any(_in_status(str(ref), Owner(repository=repository)))


def owner_of(found: UnreadyObject, owners: Sequence[Owner]) -> Owner | None:
    """Return the repository that owns an object by its label, or else one whose status says why it does not."""
    label = label_of(found.body)
    if labelled := next((each for each in owners if each.repository.label == label), None):
        return labelled
    return next((each for each in owners if any(_in_status(str(found.ref), each))), None)


def _in_status(name: str, owner: Owner) -> Iterable[FoundCause]:
    status = owner.repository.status
    every = (
        *status_causes.refusals(status, owner.syncs),
        *status_causes.blocked(status, owner.syncs),
        *status_causes.drift(status, owner.syncs),
    )
    return (each for each in every if each.object == name)


def _sentence(shown: str, causes: Sequence[FoundCause]) -> str:
    """Say the first cause: `1a2b3c4 by Ada: web.yaml:12 Deployment team/web spec.replicas: ...`."""
    first = causes[0]
    by = f" by {first.author}" if first.author and first.commit else ""
    commit = f"{first.commit[:7]}{by}: " if first.commit else ""
    place = f"{first.file}:{first.line}" if first.file and first.line else first.file
    field = text.dotted(first.pointer)
    where = " ".join(part for part in (place, shown, field if field not in first.evidence else "") if part)
    more = f" (and {len(causes) - 1} more)" if len(causes) > 1 else ""
    return f"{commit}{where}: {first.reason}: {first.evidence}{more}"


def _removal(name: str, owner: Owner | None) -> tuple[FoundCause, ...]:
    """Return the commit that no longer declares an object, as the record of its removal says."""
    last = owner.syncs.removed(name) if owner else None
    if owner is None or last is None:
        return ()
    target = last.record.intent.target
    return (removal(last, target, owner.syncs.author(target)),)


def removal(last: RecordedChange, commit: str, author: str) -> FoundCause:
    """Return the cause that a recorded removal is.

    Args:
        last: the removal.
        commit: the one that no longer declares the object.
        author: who wrote that.
    """
    by = f" by {author}" if author else ""
    verb = "deleted" if last.entry.action == Action.PRUNE else "released"
    return FoundCause(
        object=last.entry.object,
        file=last.entry.file,
        commit=commit,
        author=author,
        reason=REMOVED,
        evidence=f"{commit[:7]}{by} no longer declares it, so {last.record.name} {verb} it",
    )


def retold(ref: ObjectRef, explained: Explanation, causes: tuple[FoundCause, ...]) -> Explanation:
    """Return an explanation whose causes are known better than before."""
    if not causes:
        return explained
    sentence = explained.sentence
    for old, new in (
        (_sentence(ref.display, explained.causes), _sentence(ref.display, causes)),
        (explained.causes[0].evidence, causes[0].evidence),
    ):
        if old in sentence:
            return replace(explained, sentence=sentence.replace(old, new), causes=causes)
    return replace(explained, causes=causes)


def _removed_at(name: str, owner: Owner) -> str:
    last = owner.syncs.removed(name)
    return last.record.closing.finished_at if last and last.record.closing else ""


def _written(name: str, owner: Owner) -> FoundCause:
    last = owner.syncs.written(name)
    if last is None:
        return FoundCause(object=name)
    return FoundCause(
        object=name,
        file=last.entry.file,
        line=last.entry.line,
        commit=last.entry.commit,
        author=owner.syncs.author(last.entry.commit),
        reason=str(condition.find(owner.repository.status, Type.READY).get("reason", "")),
        evidence=f"written last by {last.record.name}",
    )


def _unowned(found: UnreadyObject) -> Explanation:
    """Say that Git does not declare an object, as far as is known, and who writes it."""
    label = label_of(found.body)
    managers = [str(each.get("manager", "")) for each in managed.direct(managed.entries(found.body))]
    named = ", ".join(dict.fromkeys(filter(None, managers[:_NAMED])))
    by = f", and is written by {named}" if named else ""
    if label:
        whose = f"belongs to GitRepository {labels.owner_name(label)}, which you may not read or is gone"
    else:
        whose = f"does not belong to a GitRepository{by}"
    told = f"{found.ref.display} {whose}"
    if found.health.state is not State.CURRENT:
        return Explanation(sentence=f"{told}; it is not ready: {found.words}. {cause.UNEXPLAINED}")
    return Explanation(sentence=told, is_well=not label)


def _nobody(owners: Sequence[Owner]) -> str:
    if not owners:
        return "no GitRepository that you may read has written an object of this kind"
    named = ", ".join(str(each.repository.key) for each in owners[:_NAMED])
    more = f" and {len(owners) - _NAMED} more" if len(owners) > _NAMED else ""
    return f"no status and no record of {named}{more} names it, so Git does not declare it"


def _is_ready(repository: GitRepository) -> bool:
    return condition.find(repository.status, Type.READY).get("status") == Truth.TRUE


def _since(status: Body, kind: Type) -> str:
    for each in (kind, Type.READY):
        found = condition.find(status, each)
        if found.get("reason") not in {None, Reason.SUCCEEDED}:
            return str(found.get("lastTransitionTime", ""))
    return ""
