"""Tell what the API server objects to, by the code and the wording of its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from towline.errors import ApiError, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that the server objects to; `path` is its field path, empty where it names none."""

    reason: Refusal
    message: str
    path: str = ""


def concerns_all(error: ApiError) -> bool:
    """Tell whether the server refuses Towline as a whole (credentials, rate), not this object."""
    return error.code in {401, 429}


def is_unserved(error: ApiError) -> bool:
    """Tell whether the path itself is unknown: plain text, or a Status that names no kind."""
    return error.code == 404 and not error.details_kind


def is_absent(error: ApiError) -> bool:
    """Tell whether the object does not exist, though its kind is served."""
    return error.code == 404 and not is_unserved(error)


def is_conflict(error: ApiError) -> bool:
    """Tell whether the object is no longer the one that was read: another uid, another version, or gone."""
    if error.code == 409:
        return error.status_reason == "Conflict" and not any(
            cause.reason == "FieldManagerConflict" for cause in error.causes
        )
    return error.code == 422 and any(cause.field == "metadata.uid" for cause in error.causes)


def is_stale(error: ApiError) -> bool:
    """Tell whether a patch tested an old version; a failed test is a 422 without any other sign."""
    return error.code == 409 or (
        error.code == 422 and not error.causes and "rejected our request" in error.message
    )


def is_denied(error: ApiError) -> bool:
    """Tell whether admission refuses the object: a webhook, a policy, or a plugin of the API server."""
    return any(fault.reason is Refusal.ADMISSION_DENIED for fault in faults(error))


def is_momentary(error: ApiError) -> bool:
    """Tell whether a 500 blames neither the object nor a webhook, so that the next try may pass."""
    if error.code != 500 or "webhook" in error.message:
        return error.code == 500 and error.retry_after > 0
    return all(fault.reason is Refusal.SERVER_ERROR for fault in faults(error))


def is_typed(error: ApiError) -> bool:
    """Tell whether the schema of an apply refuses the object, before anything else looks at it."""
    return error.code == 500 and bool(_typed(error))


def faults(error: ApiError) -> tuple[Fault, ...]:
    """Split one answer into what it objects to. Texts are those of Kubernetes 1.34 to 1.37."""
    for rule in _RULES:
        if rule.code in {0, error.code} and (found := rule.read(error)):
            return found
    return (Fault(reason=_BY_CODE.get(error.code, Refusal.SERVER_ERROR), message=error.message),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RefusalRule:
    """One shape of answer; `code` 0 means any. `read` returns nothing where the answer has another shape."""

    code: int
    read: Callable[[ApiError], tuple[Fault, ...]]


def _says(reason: Refusal, *needles: str) -> Callable[[ApiError], tuple[Fault, ...]]:
    """Return a reader: the reason, if the message holds one of the needles."""

    def read(error: ApiError) -> tuple[Fault, ...]:
        if any(needle in error.message for needle in needles):
            return (Fault(reason=reason, message=error.message),)
        return ()

    return read


_TYPED = re.compile(r"failed to create typed patch object \(.*?\): (?:errors:)?(.*)", re.DOTALL)
_TYPED_LINE = re.compile(r"^[^\S\n]*(\.(?:\[[^\]]*\]|[^\[\n])*?): (.*)$", re.MULTILINE)
_GO_VALUE = re.compile(r", got &.*", re.DOTALL)


def _typed(error: ApiError) -> tuple[Fault, ...]:
    """Read what the schema of an apply refuses: `.path: text`, or several such lines after `errors:`."""
    typed = _TYPED.match(error.message)
    if typed is None:
        return ()
    lines = _TYPED_LINE.findall(typed.group(1)) or [("", typed.group(1))]
    found: list[Fault] = []
    for path, said in lines:
        reason, where = _typed_reason(said), path.removeprefix(".")
        words = _GO_VALUE.sub(", got a value of another type", said)
        message = f"{where}: {words}" if where else words
        if reason is Refusal.UNKNOWN_FIELD:
            message = f"unknown field {where}"
        found.append(Fault(reason=reason, message=message, path=path))
    return tuple(found)


def _typed_reason(text: str) -> Refusal:
    if "field not declared in schema" in text:
        return Refusal.UNKNOWN_FIELD
    return Refusal.WRONG_TYPE if text.startswith("expected ") else Refusal.INVALID


_UNKNOWN = re.compile(r'unknown field "((?:[^"\\]|\\.)*)"')


def _strict(error: ApiError) -> tuple[Fault, ...]:
    """Read the unknown fields that strict decoding names, all of them."""
    if "strict decoding error" not in error.message:
        return ()
    return tuple(
        Fault(reason=Refusal.UNKNOWN_FIELD, message=f"unknown field {path}", path=path)
        for path in _UNKNOWN.findall(error.message)
    )


_IMMUTABLE = (
    "field is immutable",
    "is immutable when",
    "may not change once set",
    "spec is immutable after creation",
    "updates to statefulset spec for fields other than",
)
_LONG_VALUE = re.compile(r"(Invalid value: ).{200,}(: )", re.DOTALL)
_TOTAL_SIZE = frozenset({"[]", "", "metadata.annotations"})
_UNTOLD = "some validation rules were not checked"


def _validation(error: ApiError) -> tuple[Fault, ...]:
    """Read the causes of an Invalid answer, one error each."""
    found = []
    for cause in error.causes:
        if _UNTOLD in cause.message and len(error.causes) > 1:
            continue
        words = _LONG_VALUE.sub(r"\1…\2", cause.message)
        where = "" if cause.field in {"[]", "<nil>"} else cause.field
        message = f"{where}: {words}" if where else words
        found.append(
            Fault(reason=_cause_reason(cause.reason, cause.field, words), message=message, path=where)
        )
    return tuple(found)


def _cause_reason(reason: str, field: str, words: str) -> Refusal:
    if field == "metadata.uid":
        return Refusal.CONFLICT
    if any(needle in words for needle in _IMMUTABLE):
        return Refusal.IMMUTABLE_FIELD
    if reason == "FieldValueTooLong" and field in _TOTAL_SIZE:
        return Refusal.TOO_LARGE
    return Refusal.WRONG_TYPE if reason == "FieldValueTypeInvalid" else Refusal.INVALID


def _managers(error: ApiError) -> tuple[Fault, ...]:
    """Read the conflicts of an unforced apply: each names the rival field manager and one field."""
    return tuple(
        Fault(reason=Refusal.CONFLICT, message=f"{cause.message}: {cause.field}", path=cause.field)
        for cause in error.causes
        if cause.reason == "FieldManagerConflict"
    )


_LIMITS = re.compile(r"(?>.*?is forbidden: ).*\bper (?:Container|Pod|PersistentVolumeClaim) is ", re.DOTALL)


def _limits(error: ApiError) -> tuple[Fault, ...]:
    """Read what a LimitRange refuses: the API server names neither it nor its kind."""
    if not _LIMITS.match(error.message):
        return ()
    message = f"{error.message}; a LimitRange of the namespace sets this limit: stay within it, or change it"
    return (Fault(reason=Refusal.ADMISSION_DENIED, message=message),)


_RULE = "get, list, watch, create, patch, delete"
_FORBIDDEN = re.compile(
    r'(?:(?<!\S)(?P<object>\S++ (?:"[^"]*" )?is forbidden: ))?'
    r'User "[^"]*" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" '
    r'in API group "(?P<group>[^"]*)"(?: at the cluster scope| in the namespace "(?P<namespace>[^"]*)")?'
)


def permission(message: str) -> str:
    """Return a message with the RBAC rule to add, if one is missing; any other message as it is."""

    def rule(found: re.Match[str]) -> str:
        group = f" (API group {found['group']})" if found["group"] else ""
        return f"Towline may not manage {found['resource']}: add {_RULE} to rbac.rules{group}"

    return _FORBIDDEN.sub(rule, message)


def _forbidden(error: ApiError) -> tuple[Fault, ...]:
    """Read that an RBAC rule is missing: the server names one verb, and Towline needs six."""
    message = permission(error.message)
    return (Fault(reason=Refusal.FORBIDDEN, message=message),) if message != error.message else ()


def _terminating(error: ApiError) -> tuple[Fault, ...]:
    if any(cause.reason == "NamespaceTerminating" for cause in error.causes):
        return (Fault(reason=Refusal.NAMESPACE_TERMINATING, message=error.message),)
    return ()


_MISSING = re.compile(r'namespaces "([^"]+)" not found')


NOT_SERVED = "NotServed"
"""The reason of a 404 that Towline answers itself, because discovery shows no such path."""

_UNSERVED = "the API server does not serve this kind: declare its CRD in Git, or install it"


def _not_found(error: ApiError) -> tuple[Fault, ...]:
    """Tell a missing namespace from a kind that is not served."""
    if error.details_kind == "namespaces":
        found = _MISSING.search(error.message)
        message = f"Namespace {found[1]} does not exist" if found else error.message
        return (Fault(reason=Refusal.NAMESPACE_NOT_FOUND, message=message),)
    if is_unserved(error):
        ours = error.status_reason == NOT_SERVED
        message = error.message if ours else _UNSERVED
        return (Fault(reason=Refusal.UNKNOWN_KIND, message=message),)
    return ()


_RULES = (
    _RefusalRule(
        code=0,
        read=_says(
            Refusal.ADMISSION_DENIED,
            "ValidatingAdmissionPolicy '",
            "denied the request",
            "violates PodSecurity",
            "error looking up service account",
        ),
    ),
    _RefusalRule(code=403, read=_limits),
    _RefusalRule(code=403, read=_terminating),
    _RefusalRule(code=403, read=_says(Refusal.QUOTA_EXCEEDED, "exceeded quota:", "failed quota:")),
    _RefusalRule(code=403, read=_forbidden),
    _RefusalRule(code=400, read=_strict),
    _RefusalRule(
        code=400, read=_says(Refusal.WRONG_TYPE, "json: cannot unmarshal", "cannot be handled as a")
    ),
    _RefusalRule(code=404, read=_not_found),
    _RefusalRule(code=409, read=_managers),
    _RefusalRule(code=422, read=_validation),
    _RefusalRule(code=500, read=_typed),
    _RefusalRule(code=500, read=_says(Refusal.WRONG_TYPE, "json: cannot unmarshal")),
    _RefusalRule(code=500, read=_says(Refusal.INVALID, "failed to convert new object")),
    _RefusalRule(
        code=500,
        read=_says(Refusal.TOO_LARGE, "request is too large", "ResourceExhausted", "message larger than max"),
    ),
)
"""The shapes of answers that the code alone does not distinguish; the first that matches decides."""

_BY_CODE = {
    400: Refusal.INVALID,
    403: Refusal.FORBIDDEN,
    404: Refusal.FORBIDDEN,  # what the object refers to (the Role of a binding) is not there to be checked
    405: Refusal.INVALID,
    409: Refusal.CONFLICT,
    413: Refusal.TOO_LARGE,
    415: Refusal.INVALID,
    422: Refusal.INVALID,
}
