"""What the laws of core/ are tried on: a small world of objects, in which everything meets everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from towline.api import labels
from towline.model import APPLIES, Action, GroupKind, Key, Live, Manifest, ObjectRef, Origin, Plan, Stamp
from towline.plan.claims import ClaimResult
from towline.plan.manifest import declare
from towline.plan.ownership import Policy

SHA = "c0ffee" + 34 * "0"
KEY = Key("shop", "web")
UID = "0b6a0c3e-5f3b-4a52-9c8e-3f1d2b7a9e10"
EARLIER_UID = "77f0a1d2-0000-4a52-9c8e-3f1d2b7a9e10"
OTHER = Key("team", "infra")
POLICY = Policy(
    key=KEY,
    uid=UID,
    label=labels.repository_label(KEY),
    manager=labels.field_manager(KEY),
)

_NAMESPACED = (
    GroupKind("", "ConfigMap"),
    GroupKind("apps", "Deployment"),
    GroupKind("rbac.authorization.k8s.io", "Role"),
    GroupKind("", "PersistentVolumeClaim"),
    GroupKind("towline.dev", "GitRepository"),
    GroupKind("argoproj.io", "Application"),
)
_CLUSTER_SCOPED = (GroupKind("", "Namespace"), GroupKind("rbac.authorization.k8s.io", "ClusterRole"))
_PLAIN = _NAMESPACED[:3]


def placed(kind: GroupKind, name: str) -> ObjectRef:
    """Put a kind of this world into its namespace, if it has one."""
    return ObjectRef(kind.group, kind.kind, "" if kind in _CLUSTER_SCOPED else "shop", name)


names = st.sampled_from("abcdefgh")
plain_refs = st.builds(placed, st.sampled_from(_PLAIN), names)
refs = st.one_of(plain_refs, st.builds(placed, st.sampled_from(_NAMESPACED + _CLUSTER_SCOPED), names))


def entry(body: Mapping[str, Any]) -> bytes:
    """Make the `fieldsV1` that an apply of `body` with our stamps leaves on a live object."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in {"name", "namespace"}}
    stamps = dict.fromkeys((labels.OWNER, labels.DIGEST, labels.COMMIT, labels.SOURCE), "")
    metadata["labels"] = {**metadata.get("labels", {}), labels.REPOSITORY_LABEL: ""}
    metadata["annotations"] = {**metadata.get("annotations", {}), **stamps}
    content = {key: value for key, value in body.items() if key not in {"apiVersion", "kind"}}
    return json.dumps(_node({**content, "metadata": metadata})).encode()


def _node(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {f"f:{key}": _node(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {f"k:{_compact({'name': item['name']})}": {".": {}, **_node(item)} for item in value}
    return {}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def manifest(ref: ObjectRef, value: str = "1", line: int = 1, **annotations: str) -> Manifest:
    """Make a placed manifest whose content is `value`; annotations of towline.dev by their short names."""
    metadata: dict[str, Any] = {"name": ref.name}
    if ref.namespace:
        metadata["namespace"] = ref.namespace
    if annotations:
        metadata["annotations"] = {f"towline.dev/{name}": text for name, text in annotations.items()}
    version = f"{ref.group}/v1" if ref.group else "v1"
    body = {"apiVersion": version, "kind": ref.kind, "metadata": metadata, "data": {"value": value}}
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    return declare(body, ref, digest, Origin("app/all.yaml", line))


def applied(declared: Manifest, uid: str = "") -> Live:
    """Make the live object that an apply of a manifest by POLICY's repository leaves behind."""
    return Live(
        ref=declared.ref,
        uid=uid or f"uid of {declared.ref}",
        resource_version="7",
        generation=1,
        label=POLICY.label,
        owner=UID,
        digest=declared.digest,
        commit=SHA,
        source=declared.origin.file,
        manager=POLICY.manager,
        fields=entry(declared.body),
        entry_time="2026-01-01T00:00:00Z",
        terminating=False,
        prune_disabled=False,
        stamp=Stamp.VALID,
    )


def live(ref: ObjectRef, value: str = "1") -> Live:
    """Make one of our live objects with the content of `manifest(ref, value)`."""
    return applied(manifest(ref, value))


def inherited(found: Live) -> Live:
    """Make it the object of an earlier GitRepository of the same name."""
    return found._replace(owner=EARLIER_UID)


def anothers(found: Live) -> Live:
    """Make it the object of another GitRepository."""
    other = "another uid"
    return found._replace(
        label=labels.repository_label(OTHER), manager=labels.field_manager(OTHER), owner=other
    )


def copied(found: Live) -> Live:
    """Make it what a controller makes of our object when it copies labels: nobody applied it."""
    return found._replace(fields=b"", manager="", owner="", digest="", commit="", source="")


def restored(found: Live) -> Live:
    """Make it what a backup restores elsewhere: all stamps and entries, of an object that is not this one."""
    return found._replace(owner="")


def robbed(found: Live) -> Live:
    """Let somebody else have changed the declared value: our entry lost its path."""
    return found._replace(fields=json.dumps({"f:metadata": json.loads(found.fields)["f:metadata"]}).encode())


STRANGERS = (anothers, copied, restored)

_FATES = (
    lambda found: found,
    lambda found: found,
    lambda found: found,
    robbed,
    inherited,
    *STRANGERS,
    lambda found: found._replace(terminating=True),
    lambda found: found._replace(prune_disabled=True),
)

values = st.sampled_from(["1", "2"])
waves = st.sampled_from([None, None, None, "-3", "0", "2"])
fates = st.sampled_from(_FATES)


@st.composite
def desired_sets(draw: st.DrawFn) -> tuple[Manifest, ...]:
    """Draw what a commit declares: each object once, some with a wave of their own."""
    chosen = draw(st.lists(st.tuples(refs, values, waves), max_size=14, unique_by=lambda item: item[0]))
    return tuple(
        manifest(ref, value, line, **({"wave": wave} if wave else {}))
        for line, (ref, value, wave) in enumerate(chosen, start=1)
    )


@st.composite
def clusters(draw: st.DrawFn, of: st.SearchStrategy[ObjectRef] = refs) -> dict[ObjectRef, Live]:
    """Draw what a cluster holds: objects of ours, of an earlier resource, of others, and copies."""
    chosen = draw(st.lists(st.tuples(of, values, fates), max_size=20, unique_by=lambda item: item[0]))
    return {ref: fate(live(ref, value)) for ref, value, fate in chosen}


policies = st.builds(
    lambda prune, blocked, elsewhere: replace(
        POLICY,
        prune=prune,
        doubted=20 if blocked else 0,
        standing=ClaimResult(elsewhere=elsewhere),
    ),
    st.booleans(),
    st.booleans(),
    st.frozensets(refs, max_size=3),
)


def executed(plan: Plan, cluster: Mapping[ObjectRef, Live]) -> dict[ObjectRef, Live]:
    """Do what a plan says to a model of the cluster: every write succeeds."""
    after = dict(cluster)
    for change in plan.writes:
        if change.action in APPLIES and change.manifest:
            uid = change.live.uid if change.live else f"uid of {change.ref}"
            after[change.ref] = applied(change.manifest, uid)
        elif change.action in {Action.PRUNE, Action.RELEASE}:
            del after[change.ref]  # a released object carries no label, so nobody sees it any more
    return after
