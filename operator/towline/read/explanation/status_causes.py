"""Find causes in the status of a repository: refusals, drift, deletions that wait, and what its spec says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from towline import text
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.errors import Failure, Reason, Refusal
from towline.fields import pointer
from towline.model import Body, ObjectRef
from towline.read.explanation.cause import FoundCause
from towline.read.explanation.known_syncs import KnownSyncs
from towline.status import reasons, refused
from towline.status.reasons import Party

_VALUE_BYTES = 200

_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        Reason.INVALID_URL: "/spec/url",
        Reason.INVALID_PATH: "/spec/path",
        Reason.INVALID_REF: "/spec/ref",
        Reason.INSECURE_CONNECTION: "/spec/url",
        Reason.ACCESS_DENIED: "/spec/url",
        Reason.AUTH_CONFIG_INVALID: "/spec/secretRef",
        Reason.AUTHENTICATION_FAILED: "/spec/secretRef",
        Reason.HOST_KEY_MISMATCH: "/spec/secretRef",
        Reason.TLS_VERIFY_FAILED: "/spec/secretRef",
        Reason.REF_NOT_FOUND: "/spec/ref",
        Reason.PATH_NOT_FOUND: "/spec/path",
        Reason.SOURCE_EMPTY: "/spec/path",
        Reason.VERIFICATION_FAILED: "/spec/remotes",
        Reason.DEPENDENCY_NOT_READY: "/spec/dependsOn",
    }
)
"""The field of the GitRepository that a reason is about."""

_SIGNED = "/spec/verify"

_NAMED_BY_MESSAGE = frozenset(
    {
        Reason.ACCESS_DENIED,
        Reason.AUTH_CONFIG_INVALID,
        Reason.AUTHENTICATION_FAILED,
        Reason.HOST_KEY_MISMATCH,
        Reason.TLS_VERIFY_FAILED,
        Reason.REF_NOT_FOUND,
    }
)
"""Reasons that may also be about variables, keys, values, charts or remote bases: messages then name the field."""

_OF_PARTS = re.compile(
    r"(?<![\w./])spec\.(?:remotes|substitute|decryption|helm|kustomize|ref|serviceAccountName|secretRef)\b"
)

_DRIFT: Mapping[str, str] = MappingProxyType(
    {
        Refusal.CONTESTED: "another field manager keeps changing it, so it is restored every 10 min only",
        Refusal.OVERRIDDEN_BY_ADMISSION: "admission sets another value than Git declares, so it is not repaired",
        Refusal.FOREIGN_FIELDS: "another field manager added it inside what Git declares",
    }
)
"""What the reason of a drifted field means."""

_NOT_OF_COMMITS = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.GIT_UNAVAILABLE,
        Reason.GIT_TIMEOUT,
        Reason.DISK_FULL,
        Reason.CLUSTER_UNAVAILABLE,
        Reason.INTERNAL_ERROR,
    }
)

_TOPS = "spec|metadata|data|stringData|rules|roleRef|subjects|webhooks|template|parameters|aggregationRule"
_PATH = re.compile(rf"(?<![\w./])((?:{_TOPS})(?:\.[\w-]+|\[[^\]\s]+\])+|(?:{_TOPS})(?=: ))")
"""A field as the API server and the operator write it in a message."""

_STEP = re.compile(r"([\w-]+)|\[([^\]]+)\]")


def own_name(repository: GitRepository) -> str:
    """Return how a GitRepository is written as an object."""
    kind = gitrepository.RESOURCE
    return str(ObjectRef(kind.group, kind.kind, repository.key.namespace, repository.key.name))


def refusals(status: Body, syncs: KnownSyncs) -> Iterator[FoundCause]:
    """Yield a cause for each listed failure: what is wrong, where, and who wrote it."""
    for each in status.get("failures") or ():
        failure = Failure(**{name: value for name, value in each.items() if name != "ref"})
        yield of_failure(failure, syncs)


def of_failure(failure: Failure, syncs: KnownSyncs) -> FoundCause:
    """Return the cause that a failure is, with what helps against it."""
    step = refused.next_step(failure)
    return FoundCause(
        object=failure.object,
        pointer=failure.field or field_in(failure.message),
        file=failure.file,
        line=failure.line,
        commit=failure.commit,
        author=syncs.author(failure.commit),
        reason=str(failure.reason),
        evidence=f"{failure.message.rstrip('.')}. {step}" if step else failure.message,
    )


def signatures(repository: GitRepository, syncs: KnownSyncs) -> Iterator[FoundCause]:
    """Yield a cause for each listed commit whose signature is not trusted: the commit, and who wrote it."""
    for each in repository.status.get("failures") or ():
        if each.get("reason") == Reason.VERIFICATION_FAILED:
            commit = str(each.get("commit", ""))
            yield FoundCause(
                object=own_name(repository),
                pointer=_SIGNED,
                commit=commit,
                author=syncs.author(commit),
                reason=Reason.VERIFICATION_FAILED,
                evidence=str(each.get("message", "")),
            )


def drift(status: Body, syncs: KnownSyncs) -> Iterator[FoundCause]:
    """Yield a cause for each listed field that is not as Git declares it; the evidence names who wrote it."""
    for each in status.get("drift") or ():
        commit = str(each.get("commit", ""))
        yield FoundCause(
            object=str(each.get("object", "")),
            pointer=str(each.get("field", "")),
            file=str(each.get("file", "")),
            line=int(each.get("line", 0)),
            commit=commit,
            author=syncs.author(commit),
            reason=str(each.get("reason") or "Drifted"),
            evidence=_drifted(each),
        )


def blocked(status: Body, syncs: KnownSyncs) -> Iterator[FoundCause]:
    """Yield a cause for each deletion that waits for a person: the commit that no longer declares the object."""
    commit = str((status.get("commit") or {}).get("attempted", ""))
    for each in (status.get("blocked") or {}).get("prunes") or ():
        name = str(each.get("object", ""))
        last = syncs.written(name)
        yield FoundCause(
            object=name,
            file=last.entry.file if last else "",
            line=last.entry.line if last else 0,
            commit=commit,
            author=syncs.author(commit),
            reason=str(each.get("reason") or Reason.PRUNE_BLOCKED),
            evidence=f"{commit[:7]} no longer declares it: {each.get('message') or 'waits for a confirmation'}",
        )


def left_by(cause: FoundCause, commit: str, author: str) -> FoundCause:
    """Return the cause that a waiting deletion is, with the very commit that no longer declares the object."""
    evidence = cause.evidence.replace(cause.commit[:7], commit[:7], 1)
    return replace(cause, commit=commit, author=author, evidence=evidence)


def is_of_commit(reason: str) -> bool:
    """Tell whether refusals and waiting deletions in a status belong to a reason of Ready.

    Where the spec, the Git server or the API server is to blame, the status still lists those of an earlier commit.
    """
    return reason not in _FIELDS and reason not in _NOT_OF_COMMITS


def of_reason(
    repository: GitRepository, reason: str, message: str, syncs: KnownSyncs
) -> Iterator[FoundCause]:
    """Yield what a reason of Ready blames: a field of the spec, or the commit; nothing where only time helps."""
    try:
        remedy = reasons.TABLE[Reason(reason)]
    except ValueError:
        return
    field = _field(repository, reason, message) or (field_in(message) if Party.SPEC in remedy.parties else "")
    by_commit = (
        Party.COMMIT in remedy.parties and reason != Reason.REF_NOT_FOUND
    )  # no commit takes a ref away
    commit = _commit(repository.status) if by_commit else ""
    if field and commit == repository.applied:
        commit = ""  # it was applied once, so the spec has changed since
    if not field and not commit:
        return
    yield FoundCause(
        object=own_name(repository),
        pointer=field,
        commit=commit,
        author=syncs.author(commit),
        reason=reason,
        evidence=message,
    )


def _field(repository: GitRepository, reason: str, message: str) -> str:
    """Return the field that a reason is about; VerificationFailed is about pins where the status lists moved ones."""
    if reason in _NAMED_BY_MESSAGE and (named := _OF_PARTS.search(message)):
        return field_in(message[named.start() :])
    if reason == Reason.VERIFICATION_FAILED and "verify" in repository.raw_spec:
        return _FIELDS[reason] if repository.status.get("movedPins") else _SIGNED
    return _FIELDS.get(reason, "")


def field_in(message: str) -> str:
    """Return the field that a message names, as a JSON pointer; empty where it names none.

    An item that is named by its keys is not looked up: the pointer then ends at its list.
    """
    found = _PATH.search(message)
    steps: list[str] = []
    for name, inside in _STEP.findall(found[1] if found else ""):
        if inside and not (inside.isdecimal() or inside.startswith('"')):
            break
        steps.append(name or inside.strip('"'))
    return pointer.join(steps)


def _commit(status: Body) -> str:
    commits: Mapping[str, Any] = status.get("commit") or {}
    return str(commits.get("attempted") or commits.get("observed") or "")


def _drifted(each: Mapping[str, Any]) -> str:
    who = f" ({each['by']})" if each.get("by") else ""
    since = f" since {each['since']}" if each.get("since") else ""
    if not each.get("field"):
        return f"it is gone{since}"
    field = text.dotted(str(each["field"]))
    have, want = (_value(each.get(name)) for name in ("have", "want"))
    reason = str(each.get("reason", ""))
    why = _DRIFT.get(reason, f"the repair is refused ({reason})") if reason else ""
    return f"{field} is {have}{who}{since}, Git says {want}" + (f"; {why}" if why else "")


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return text.printable(json.dumps(value, ensure_ascii=False, sort_keys=True), _VALUE_BYTES)
