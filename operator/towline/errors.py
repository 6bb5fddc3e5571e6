"""The errors that end a pass, and the failures of single objects.

    TowlineError                one pass ends here; carries a Ready reason
    ├── SpecError               the GitRepository itself must change
    ├── SourceError             Git: access, transport, refs, paths, sizes
    │   └── CostlyError         what was fetched takes more than it may to read, and would again
    ├── BuildError              the commit must change; carries every error of every file
    └── ClusterError            the API server could not be asked, or refuses Towline as a whole
        └── ApiError            one answer of the API server that is not a success

A refusal of one object is not an exception but a `Failure`: one pass reports all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The reasons of the Ready condition: coarse, so that each says who can fix it."""

    SUCCEEDED = "Succeeded"
    SUSPENDED = "Suspended"
    PLANNED = "Planned"
    PROGRESSING = "Progressing"
    INVALID_SPEC = "InvalidSpec"
    INVALID_URL = "InvalidURL"
    INVALID_PATH = "InvalidPath"
    INVALID_REF = "InvalidRef"
    INSECURE_CONNECTION = "InsecureConnection"
    ACCESS_DENIED = "AccessDenied"
    AUTH_CONFIG_INVALID = "AuthConfigInvalid"
    AUTHENTICATION_FAILED = "AuthenticationFailed"
    HOST_KEY_MISMATCH = "HostKeyMismatch"
    TLS_VERIFY_FAILED = "TLSVerifyFailed"
    REF_NOT_FOUND = "RefNotFound"
    PATH_NOT_FOUND = "PathNotFound"
    SOURCE_EMPTY = "SourceEmpty"
    SOURCE_TOO_LARGE = "SourceTooLarge"
    GIT_OBJECT_INVALID = "GitObjectInvalid"
    SYMLINK_REFUSED = "SymlinkRefused"
    BUILD_FAILED = "BuildFailed"
    VERIFICATION_FAILED = "VerificationFailed"
    APPLY_FAILED = "ApplyFailed"
    PRUNE_BLOCKED = "PruneBlocked"
    PRUNE_FAILED = "PruneFailed"
    GIT_UNAVAILABLE = "GitUnavailable"
    GIT_TIMEOUT = "GitTimeout"
    DISK_FULL = "DiskFull"
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    DEPENDENCY_NOT_READY = "DependencyNotReady"
    UNHEALTHY = "Unhealthy"
    INTERNAL_ERROR = "InternalError"


class Refusal(StrEnum):
    """The reasons of one object's failure: fine, so that each says what the API server or a veto objects to."""

    INVALID = "Invalid"
    UNKNOWN_FIELD = "UnknownField"
    WRONG_TYPE = "WrongType"
    DUPLICATE_OBJECT = "DuplicateObject"
    UNKNOWN_KIND = "UnknownKind"
    IMMUTABLE_FIELD = "ImmutableField"
    CONFLICT = "Conflict"
    OWNED_BY_ANOTHER = "OwnedByAnother"
    FORBIDDEN = "Forbidden"
    QUOTA_EXCEEDED = "QuotaExceeded"
    ADMISSION_DENIED = "AdmissionDenied"
    NAMESPACE_NOT_FOUND = "NamespaceNotFound"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    TERMINATING = "Terminating"
    TOO_LARGE = "TooLarge"
    SERVER_ERROR = "ServerError"
    NOT_OURS = "NotOurs"
    MANAGED_BY_ANOTHER_TOOL = "ManagedByAnotherTool"
    INHERITED = "Inherited"
    SELF_MANAGEMENT_REFUSED = "SelfManagementRefused"
    OVERRIDDEN_BY_ADMISSION = "OverriddenByAdmission"
    CONTESTED = "Contested"
    FOREIGN_FIELDS = "ForeignFields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One error of one file or one object, as the status shows it.

    `object` is written `Kind.group/namespace/name`; `file` is relative to the repository root; `line` is
    1-based and 0 where unknown; `field` is a JSON pointer into the declared object, empty where unknown.
    `reason` is a `Refusal`, or a `Reason` for errors in files.
    """

    reason: str
    message: str
    object: str = ""
    file: str = ""
    line: int = 0
    commit: str = ""
    field: str = ""


class TowlineError(Exception):
    """A pass ends with `reason`; `failures` names the objects, files and lines concerned, if any."""

    def __init__(self, reason: Reason, message: str, *, failures: tuple[Failure, ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.failures = failures


class SpecError(TowlineError):
    """The GitRepository must change: nothing is tried again before it does."""


class SourceError(TowlineError):
    """Git could not be reached, or what it holds cannot be used."""


class CostlyError(SourceError):
    """What was fetched takes more time, work or room to read than it may, and would again."""


class BuildError(TowlineError):
    """The commit cannot be turned into manifests; `failures` holds every error of every file.

    `advice` is one more sentence for its message.
    """

    def __init__(
        self, failures: tuple[Failure, ...], reason: Reason = Reason.BUILD_FAILED, advice: str = ""
    ) -> None:
        first = failures[0]
        where = f"{first.file}:{first.line}" if first.line else first.file
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        message = f"{where}: {first.message}{more}" if where else f"{first.message}{more}"
        super().__init__(reason, "; ".join(filter(None, (message, advice))), failures=failures)


class CostlyBuildError(BuildError):
    """A build took more time than it may, and most likely would again."""


class ClusterError(TowlineError):
    """The API server cannot be used at the moment: the connection, the credentials, the server itself."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(Reason.CLUSTER_UNAVAILABLE, message)
        self.retry_after = retry_after
        """Seconds to wait before the next request, as the server asked; 0 where it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One entry of `details.causes` of a Kubernetes Status."""

    reason: str
    message: str
    field: str


class ApiError(ClusterError):
    """One answer of the API server that is not a success.

    `code` is the HTTP status; `status_reason` and `causes` are those of the Kubernetes Status, empty where the
    answer was not a Status (a kind that is not served is a plain-text 404).
    """

    def __init__(  # noqa: PLR0913  the parts of a Kubernetes Status
        self,
        code: int,
        message: str,
        *,
        status_reason: str = "",
        details_kind: str = "",
        causes: tuple[Cause, ...] = (),
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.code = code
        self.status_reason = status_reason
        self.details_kind = details_kind
        self.causes = causes
