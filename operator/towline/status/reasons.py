"""Hold the table of Ready's reasons: what can fix each, which condition is also True, and when the next pass is.

The reference page on conditions and reasons says the same to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from towline.api.condition import Truth
from towline.errors import Reason, Refusal


class Party(StrEnum):
    """What fixes a reason, as messages say it after "To fix:"."""

    SPEC = "change the spec or its Secret"
    COMMIT = "push a new commit"
    TIME = "wait"
    PERSON = "confirm"
    BUG = "upgrade Towline"


class Beside(StrEnum):
    """The condition that is True while Ready is not."""

    NONE = ""
    STALLED = "Stalled"
    RECONCILING = "Reconciling"


class Again(StrEnum):
    """When the next pass is."""

    ON_CHANGE = "when the spec changes"
    INTERVAL = "at interval"
    BACKOFF = "backoff"
    EITHER = "at interval for a new head, backoff for the same one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One row: `parties` is empty where nothing needs to be fixed."""

    ready: Truth = Truth.FALSE
    parties: tuple[Party, ...] = ()
    beside: Beside = Beside.NONE
    again: Again = Again.INTERVAL


AUTHENTICATION = frozenset(
    {
        Reason.AUTH_CONFIG_INVALID,
        Reason.AUTHENTICATION_FAILED,
        Reason.HOST_KEY_MISMATCH,
        Reason.TLS_VERIFY_FAILED,
    }
)
"""Reasons that a changed Secret fixes; too many tries may lock an account."""

AWAY = AUTHENTICATION | {Reason.GIT_UNAVAILABLE, Reason.GIT_TIMEOUT, Reason.DISK_FULL}
"""Reasons for which the Git server is left alone until a retry is due, whatever else asks for a pass."""

COSTLY = frozenset({Reason.SOURCE_TOO_LARGE, Reason.GIT_OBJECT_INVALID})
"""Reasons that it takes a fetch or much reading to find out, and that the same commit meets again."""

LASTING = frozenset(
    {Refusal.INVALID, Refusal.UNKNOWN_FIELD, Refusal.WRONG_TYPE, Refusal.IMMUTABLE_FIELD, Refusal.TOO_LARGE}
)
"""Refusals that only another commit can fix; time may fix every other one."""

_FINE = Remedy(ready=Truth.TRUE)
_PAUSED = Remedy()
_RUNNING = Remedy(ready=Truth.UNKNOWN, beside=Beside.RECONCILING)
_SPEC = Remedy(parties=(Party.SPEC,), beside=Beside.STALLED, again=Again.ON_CHANGE)
_ACCESS = Remedy(parties=(Party.SPEC, Party.TIME), beside=Beside.STALLED)
_AUTHENTICATION = Remedy(parties=(Party.SPEC, Party.TIME), beside=Beside.RECONCILING, again=Again.BACKOFF)
_COMMIT = Remedy(parties=(Party.COMMIT,))
_COSTLY = Remedy(parties=(Party.COMMIT,), again=Again.EITHER)
_REFUSED = Remedy(parties=(Party.COMMIT, Party.TIME), beside=Beside.RECONCILING, again=Again.EITHER)
_PERSON = Remedy(parties=(Party.PERSON,))
_PERSON_OR_COMMIT = Remedy(parties=(Party.PERSON, Party.COMMIT))
_CLUSTER = Remedy(parties=(Party.TIME,), beside=Beside.RECONCILING, again=Again.EITHER)
_OUTAGE = Remedy(parties=(Party.TIME,), beside=Beside.RECONCILING, again=Again.BACKOFF)
_HEALTH = Remedy(parties=(Party.TIME, Party.COMMIT))
_BUG = Remedy(parties=(Party.BUG,), beside=Beside.RECONCILING, again=Again.BACKOFF)

TABLE: Mapping[Reason, Remedy] = MappingProxyType(
    {
        Reason.SUCCEEDED: _FINE,
        Reason.SUSPENDED: _PAUSED,
        Reason.PLANNED: _FINE,
        Reason.PROGRESSING: _RUNNING,
        Reason.INVALID_SPEC: _SPEC,
        Reason.INVALID_URL: _SPEC,
        Reason.INVALID_PATH: _SPEC,
        Reason.INVALID_REF: _SPEC,
        Reason.INSECURE_CONNECTION: _SPEC,
        Reason.ACCESS_DENIED: _ACCESS,
        **dict.fromkeys(AUTHENTICATION, _AUTHENTICATION),
        Reason.REF_NOT_FOUND: _COMMIT,
        Reason.PATH_NOT_FOUND: _COMMIT,
        Reason.SOURCE_EMPTY: _COMMIT,
        **dict.fromkeys(COSTLY, _COSTLY),
        Reason.SYMLINK_REFUSED: _COMMIT,
        Reason.BUILD_FAILED: _COMMIT,
        Reason.VERIFICATION_FAILED: _PERSON_OR_COMMIT,
        Reason.APPLY_FAILED: _REFUSED,
        Reason.PRUNE_BLOCKED: _PERSON,
        Reason.PRUNE_FAILED: _CLUSTER,
        Reason.GIT_UNAVAILABLE: _OUTAGE,
        Reason.GIT_TIMEOUT: _OUTAGE,
        Reason.DISK_FULL: _OUTAGE,
        Reason.CLUSTER_UNAVAILABLE: _OUTAGE,
        Reason.DEPENDENCY_NOT_READY: _CLUSTER,
        Reason.UNHEALTHY: _HEALTH,
        Reason.INTERNAL_ERROR: _BUG,
    }
)
