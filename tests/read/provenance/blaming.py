"""Blame objects of a repository as if the cluster held exactly what Git declares, or what somebody made of it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from towline.api import gitrepository
from towline.api.schema import Schema
from towline.model import ObjectRef, Resource
from towline.read import crd_schema
from towline.read.cluster import LiveObject
from towline.read.comparison.declared_revision import RevisionRenderer
from towline.read.git import git_search
from towline.read.provenance import blamed_field, field_owners, git_evidence
from towline.read.provenance.blamed_field import FieldEvidence, OwnStamp
from towline.read.provenance.declared_object import ObjectFinder
from towline.read.provenance.git_evidence import Hiding
from towline.read.revisions.revision_builds import RevisionBuilds
from towline.read.revisions.user_parts import UserParts
from towline.reconcile.values.treatments import Treated
from towline.render.documents import YamlLimits
from towline.render.offline.offline_tools import OfflineTools
from towline.render.variables.treatment import UNTREATED, Treatment

from e2e.harness.gitrepo import Repo
from tests.render.kubectl import KUBECTL

OWNER = "team/shop"
MANAGER = "towline:team/shop"
APPLIED_AT = "2026-11-01T10:00:00Z"

Entries = Mapping[str, Mapping[str, Any]]
Edit = Callable[[dict[str, Any]], None]


@cache
def crd() -> Schema:
    return crd_schema.load()


async def finder(
    repo: Repo, sha: str, binary: str = "", treatment: Treatment = UNTREATED, **spec: Any
) -> ObjectFinder:
    """Return what finds objects in a commit of a repository with this spec."""
    metadata = {"namespace": "team", "name": "shop", "uid": "u", "generation": 1, "resourceVersion": "1"}
    given = {"url": "https://git.example.com/team/shop", **spec}
    resource = gitrepository.identify({"metadata": metadata, "spec": given})
    read = gitrepository.specify(resource, crd())
    renderer = RevisionRenderer(
        key=resource.key,
        spec=read,
        treated=Treated(key=resource.key, treatment=treatment),
        builds=RevisionBuilds(OfflineTools(kustomize=str(KUBECTL), helm=binary)),
        parts=UserParts(key=resource.key, spec=read),
    )
    content = await git_search.clone(repo.path, dict(os.environ))
    return ObjectFinder(content=content, sha=sha, renderer=renderer, limits=YamlLimits())


def applied(body: Mapping[str, Any], edit: Edit | None = None) -> dict[str, Any]:
    """Return an object as the cluster has it after an apply of it all by the repository, and then an edit."""
    live = copy.deepcopy(dict(body))
    owned: dict[str, Any] = {
        f"f:{name}": {} for name in live if name not in {"apiVersion", "kind", "metadata"}
    }
    owned["f:metadata"] = {f"f:{name}": {} for name in live["metadata"] if name not in {"name", "namespace"}}
    live["metadata"]["managedFields"] = [
        {"manager": MANAGER, "operation": "Apply", "time": APPLIED_AT, "fieldsV1": owned}
    ]
    if edit:
        edit(live)
    return live


async def blamed(
    repo: Repo,
    sha: str,
    named: str,
    *,
    source: str = "",
    edit: Edit | None = None,
    chosen: str = "",
    seconds: float | None = None,
    **spec: Any,
) -> Entries:
    """Return what is told of each leaf of an object, `Kind.group/namespace/name`, by its pointer."""
    ref = ObjectRef.parse(named)
    found = await finder(repo, sha, **spec)
    declared = (await found.find(ref, source)).manifest
    assert declared is not None
    live = applied({**declared.body, "metadata": {**declared.body["metadata"], "name": ref.name}}, edit)
    if ref.namespace:
        live["metadata"]["namespace"] = ref.namespace
    resource = Resource(
        group=ref.group, version="v1", kind=ref.kind, plural="x", namespaced=bool(ref.namespace)
    )
    bare = FieldEvidence(
        repository=OWNER,
        manager=MANAGER,
        stamp=OwnStamp(commit=sha, source=source),
        owners=field_owners.owners(live, MANAGER),
        sources={},
    )
    hiding = Hiding.fresh()
    read = await git_evidence.read(
        bare, found, LiveObject(resource=resource, body=live), hiding, chosen, seconds
    )
    metadata = {name: value for name, value in live["metadata"].items() if name != "managedFields"}
    shown = field_owners.leaves(hiding.mask.masked({**live, "metadata": metadata}))
    return {each.pointer: blamed_field.entry(each) for each in blamed_field.blamed(shown, read.evidence)}


def line_commit(repo: Repo, sha: str, file: str, line: int) -> str:
    """Return what `git blame` itself says of one line."""
    return repo.git("blame", "--porcelain", "-L", f"{line},{line}", sha, "--", file).split(" ", 1)[0]


def disagreeing(repo: Repo, sha: str, entries: Entries) -> list[str]:
    """Name the leaves of the repository whose commit is not that of their line by `git blame` itself."""
    return [
        path
        for path, each in entries.items()
        if each["owner"] == OWNER
        and each["certainty"] != "file"
        and each["commit"] != line_commit(repo, sha, each["file"], each["line"])
    ]
