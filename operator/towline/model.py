"""Define the frozen values that all layers share."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import orjson

from towline.errors import Failure

Body: TypeAlias = Mapping[str, Any]
"""A JSON object of Kubernetes; one that is part of a value is never changed."""


class Key(NamedTuple):
    """The namespace and name of one GitRepository; a trigger carries this and nothing else."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class GroupKind(NamedTuple):
    """A kind without its version: objects keep their identity across versions."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@functools.lru_cache(maxsize=4096)  # asked for many times with each of thousands of objects
def _kind(group: str, kind: str) -> GroupKind:
    return GroupKind(group, kind)


_BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""The groups of Kubernetes itself, whose kinds have different names; `events.k8s.io` shares Event with the core."""


class ObjectRef(NamedTuple):
    """The identity of one object; `namespace` is empty for cluster-scoped ones."""

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ObjectRef:
        """Read what `str` gives: `Kind.group/namespace/name`, or `Kind.group/name`.

        Raises:
            ValueError: the text does not have that form.
        """
        kind, *path = text.split("/")
        kind, _, group = kind.partition(".")
        if not kind or len(path) not in {1, 2} or not all(path):
            raise ValueError(f"{text!r} is not Kind.group/namespace/name")
        return cls(group, kind, path[0] if len(path) == 2 else "", path[-1])

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without namespace and name."""
        return _kind(self.group, self.kind)

    @property
    def display(self) -> str:
        """The object as sentences name it: `Deployment team/web`; a kind of a CRD has its group, too."""
        kind = self.kind if self.group in _BUILT_IN_GROUPS else f"{self.kind}.{self.group}"
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"

    def __str__(self) -> str:
        # written out, as str(group_kind) costs as much as all else
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return "/".join(filter(None, (kind, self.namespace, self.name)))


def display(name: str) -> str:
    """Return an object's name as a sentence writes it, from `Kind.group/namespace/name`; other text as it is."""
    try:
        return ObjectRef.parse(name).display
    except ValueError:
        return name


class Origin(NamedTuple):
    """Where a manifest is: `file` from the repository root, `line` 1-based, `document` its index in the file.

    `item` is the index inside a `List` document, -1 where the document is the object itself. `blob` is the Git
    object id of the file's content: what was parsed, whatever the file is called. `via` are the kustomizations that
    lead to the file, the outermost first: a tool then made the object of it, and its fields may be from elsewhere.
    `values` are the files of values that a chart is rendered with, the later over the earlier; `render` tells this
    render of it from others.
    """

    file: str
    line: int
    document: int = 0
    item: int = -1
    blob: str = ""
    via: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    render: str = ""

    @property
    def is_rendered(self) -> bool:
        """Whether a tool made the object of what the file declares."""
        return bool(self.via)


class Ignored(NamedTuple):
    """A declared field that is not sent, because `owner` writes it; `field` is a JSON pointer, `line` its line."""

    line: int
    field: str
    owner: str


NO_DIRECTIVES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What must be shown nowhere of an object: the values at places, and texts wherever they land.

    A place is the keys that lead to a value; an item of a list counts as an empty one.
    """

    places: frozenset[tuple[str, ...]] = frozenset()
    texts: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One desired object, kept as JSON: thousands of them are seldom read, and as Python objects each takes 1 KiB.

    `content` is what Git declares, without the fields that only a server writes; its namespace does not count, that of
    `ref` does. `digest` covers the content alone: not the file, not the commit. `ref.namespace` is what Git says until
    the kind's scope is known (plan.scope places it). `directives` are the annotations that tell Towline what to do,
    those of `towline.dev/`. `left_out` is what the file declares and `content` lacks, because its controller writes it.
    `ignored` are JSON pointers that are left to others (plan.ignore_fields); the digest covers them, too.
    `release_namespace` is where it goes if it names no namespace, before what its repository says.
    """

    ref: ObjectRef
    api_version: str
    content: bytes
    digest: str
    origin: Origin
    directives: Mapping[str, Any] = field(default_factory=lambda: NO_DIRECTIVES)
    ignored: tuple[str, ...] = ()
    left_out: tuple[Ignored, ...] = ()
    hidden: Hidden | None = None
    release_namespace: str = ""

    @property
    def version(self) -> str:
        """The version of its kind, without the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def body(self) -> Body:
        """What Git declares, in the namespace of `ref`; read from the JSON each time."""
        body: dict[str, Any] = orjson.loads(self.content)
        metadata = body.get("metadata", {})
        if self.ref.namespace:
            metadata["namespace"] = self.ref.namespace
        else:
            metadata.pop("namespace", None)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A name and an email address, as Git writes them."""

    name: str
    email: str


class Trailer(NamedTuple):
    """One line `name: value` at the end of a commit message, such as `Reviewed-by: Ann <ann@example.com>`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One resolved commit. Times are RFC 3339 in UTC with a trailing Z; `pull_request` and `merged_by` may be empty.

    `written_by` is set for the merge commit of a pull request, whose author is who merged: it is the author of the pull
    request's newest commit. `taken_back` says that a rollback, or a rewritten history, takes this commit back.
    `trailers` are those that say who else wrote, signed off, reviewed, tested or merged it, and which change it is.
    """

    sha: str
    author: Person
    committer: Person
    authored_at: str
    committed_at: str
    subject: str
    parents: tuple[str, ...] = ()
    pull_request: str = ""
    merged_by: str = ""
    written_by: Person | None = None
    taken_back: bool = False
    trailers: tuple[Trailer, ...] = ()

    @property
    def writer(self) -> Person:
        """Who wrote what the commit brings."""
        return self.written_by or self.author

    @property
    def short(self) -> str:
        """The first seven digits, as people write it."""
        return self.sha[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedBy:
    """The commit that made an object what Git declares, and where the object stands in that commit."""

    revision: Revision
    origin: Origin


class State(StrEnum):
    """How far a live object is on its way to what its spec says; the words are those of kstatus."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


class Health(NamedTuple):
    """What an object says of itself; `message` is a line for people, empty where the state says enough."""

    state: State
    message: str = ""


CURRENT = Health(State.CURRENT)
"""The health of an object that is ready."""


class Stamp(StrEnum):
    """What the keyed stamp at the end of an owner annotation proves.

    NONE is an annotation without a stamp, as operators wrote it that had no key yet. WRONG is a stamp that the present
    key did not make. REMOVED is either, on an object that this process has seen with a valid one.
    """

    VALID = "valid"
    NONE = "none"
    WRONG = "wrong"
    REMOVED = "removed"


class Live(NamedTuple):
    """The known state of one object with Towline's label; a tuple, because each answer and event makes one.

    `label`, `digest`, `commit` and `source` are the raw values of the towline.dev label and annotations, empty where
    absent. `owner` is the uid of the GitRepository in the owner annotation, empty where that does not name this very
    object; `stamp` is what its stamp proves, and `early` that the object is older than the key of stamps. `fields` is
    the `fieldsV1` JSON of the Apply entry of the label's field manager (no subresource), empty where there is none;
    `entry_time` is that entry's `time`. `generation` is -1 where the kind has none. `prune_disabled` and
    `prune_enabled` are what `towline.dev/prune` says, `adopted` that the object existed before Towline wrote it.
    `shared` says that entries left by earlier writers hold fields of Towline's entry, too. `health` is that of the
    object as it was last seen whole. `verified` says that the values of this very version were compared with Git,
    `altered` that they differed although Towline's entry is whole. `foreign` says that others added fields inside list
    items that Git declares. `finished` says that the object has done its work and goes by a rule of its own; `rerun`
    is the value of `towline.dev/rerun`.
    """

    ref: ObjectRef
    uid: str
    resource_version: str
    generation: int
    label: str
    owner: str
    digest: str
    commit: str
    source: str
    manager: str
    fields: bytes
    entry_time: str
    terminating: bool
    prune_disabled: bool
    prune_enabled: bool = False
    adopted: bool = False
    shared: bool = False
    health: Health = CURRENT
    verified: bool = False
    altered: bool = False
    foreign: bool = False
    finished: bool = False
    rerun: str = ""
    stamp: Stamp = Stamp.NONE
    early: bool = False


class Difference(NamedTuple):
    """One field that is not as declared: a JSON pointer into what is declared, and both values, masked."""

    path: str
    want: Any
    have: Any


class Action(StrEnum):
    """What a change does to its object."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    REPAIR = "repair"
    REPLACE = "replace"
    PRUNE = "prune"
    RELEASE = "release"
    KEEP = "keep"
    SKIP = "skip"


APPLIES = frozenset({Action.CREATE, Action.UPDATE, Action.ADOPT, Action.REPAIR, Action.REPLACE})
"""The actions that write what Git declares."""

REMOVES = frozenset({Action.PRUNE, Action.RELEASE})
"""The actions that end Towline's ownership."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One action on one object; `manifest` is None for removals, `live` is None where Towline owns no such object.

    `reason` and `message` say why an object is skipped, blocked or repaired. `wave` orders the writes, low first.
    `restores` says of a write that this repository wrote an object of this name before, whatever became of its marks
    since. `taken` says of a release that another repository takes the object as soon as it has no owner.
    """

    action: Action
    ref: ObjectRef
    manifest: Manifest | None = None
    live: Live | None = None
    reason: str = ""
    message: str = ""
    wave: int = 0
    restores: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes that lead from live to desired.

    `settled` are the objects that an earlier plan found to be as declared in every respect, and that are the same
    since; they are not in `changes`. Neither is `blocked`: the prunes that wait for a person, each with its reason.
    `token` confirms exactly that list, `doubted` counts the objects that were owned when the source as a whole was
    first doubted, 0 where it is not. `waiting` are the changes that another repository is asked about first, some of
    them blocked as well. `unread` are the declared objects of kinds that cannot be read: nothing is known of them, and
    nothing done; `behind` says that some of these kinds may not be as declared. `gated` are those changes that come
    when an object of an earlier wave is healthy. `failures` are objects that the plan itself refuses (owned by another,
    unknown kind).
    `changed` are those changes that do not keep their object as it is, few where most of a repository stays the same:
    they are asked for again and again.
    """

    changes: tuple[Change, ...] = ()
    settled: Mapping[ObjectRef, Change] = field(default_factory=dict)
    blocked: tuple[Change, ...] = ()
    token: str = ""
    doubted: int = 0
    waiting: tuple[Change, ...] = ()
    gated: tuple[Change, ...] = ()
    unread: tuple[ObjectRef, ...] = ()
    behind: bool = False
    failures: tuple[Failure, ...] = ()
    changed: tuple[Change, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        changed = tuple([change for change in self.changes if change.action is not Action.KEEP])
        object.__setattr__(self, "changed", changed)

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that send a write to a managed object."""
        return tuple(
            change for change in self.changed if change.action in APPLIES or change.action in REMOVES
        )

    @property
    def applies(self) -> tuple[Change, ...]:
        """The writes that bring an object to what Git declares."""
        return tuple(change for change in self.changed if change.action in APPLIES)

    @property
    def removals(self) -> tuple[Change, ...]:
        """The writes that end Towline's ownership."""
        return tuple(change for change in self.changed if change.action in REMOVES)

    @property
    def taken(self) -> tuple[Change, ...]:
        """The releases for which other repositories wait: they go first, whatever becomes of the rest."""
        return tuple(change for change in self.changed if change.taken)

    @property
    def handover(self) -> Plan:
        """The part of the plan that waits for nothing: what others take is released, and all else waits."""
        rest = (change for change in self.writes if not change.taken)
        return Plan(changes=self.taken, blocked=self.blocked, waiting=(*self.waiting, *self.gated, *rest))


class Result(StrEnum):
    """How one change of a plan ended."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one change ended: the object after it (None when gone), or everything that was wrong with it.

    `kept` says what keeps an object that is being deleted, empty where it is gone. `overridden` are the fields that the
    answer to Towline's write held with other values than were sent.
    """

    change: Change
    result: Result
    live: Live | None = None
    failures: tuple[Failure, ...] = ()
    overridden: tuple[Difference, ...] = ()
    kept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How the API server serves one kind: `plural` is the path segment, `version` the preferred or asked-for one.

    `aliases` are its singular and its short names.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = field(default_factory=frozenset)
    aliases: tuple[str, ...] = ()

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without its version."""
        return _kind(self.group, self.kind)

    @property
    def api_version(self) -> str:
        """The group and version, as manifests write them."""
        return f"{self.group}/{self.version}".removeprefix("/")

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection, or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")
