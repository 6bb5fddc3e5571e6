"""Read where a source of an Application is in Git: its address and what its revision names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from towline.importing import homes
from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import RepositoryTree

_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", re.ASCII)
_SHORT_COMMIT = re.compile(r"(?=.*\d)[0-9a-f]{7,39}", re.ASCII)
_RANGE = re.compile(r"[*<>=~^|]|^v?\d+(?:\.\d+)?\.[xX]$|\s", re.ASCII)
_VERSION = re.compile(r"v?\d+(?:\.\d+){1,2}(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)
_USUAL = frozenset({"main", "master"})


def put(draft: Draft, source: Mapping[str, Any], path: Path, tree: RepositoryTree | None) -> None:
    """Put the address and the revision of a source into a draft.

    Args:
        draft: that of its Application.
        source: the source.
        path: where it is in the Application.
        tree: that of a clone, if there is one.

    Raises:
        NotImportableError: its revision cannot be followed.
    """
    address = str(source.get("repoURL") or "")
    if not address:
        raise draft.refused("it has no repoURL", *path)
    if address.startswith("oci://"):
        raise draft.refused("it is not in Git: name its repository with --repo and --path", *path, "repoURL")
    bare = homes.without_credentials(address)
    url = homes.as_url(bare)
    if bare != address:
        draft.lost("its credentials belong in a Secret: name it in spec.secretRef", *path, "repoURL")
    elif url.startswith("ssh://"):
        draft.lost(
            "its key is a Secret of Argo CD: make one with identity and known_hosts, and name it in spec.secretRef",
            *path,
            "repoURL",
        )
    draft.put("url", url)
    _ref(draft, str(source.get("targetRevision") or "HEAD").strip(), (*path, "targetRevision"), tree)


def _ref(draft: Draft, revision: str, path: Path, tree: RepositoryTree | None) -> None:
    if revision == "HEAD":
        return
    if revision.startswith("refs/"):
        draft.put("ref", {"name": revision})
    elif _COMMIT.fullmatch(revision):
        draft.put("ref", {"commit": revision})
    elif tree and revision in tree.branches:
        draft.put("ref", {"branch": revision})
    elif tree and revision in tree.tags:
        draft.put("ref", {"tag": revision})
    elif _RANGE.search(revision):
        draft.put("ref", {"semver": " ".join(revision.replace(",", " ").split())})
    elif _VERSION.fullmatch(revision):
        draft.put("ref", {"tag": revision})
        draft.assumed(f"{revision} is a tag: write ref.branch where it is a branch", *path)
    elif _SHORT_COMMIT.fullmatch(revision):
        raise draft.refused(f"{revision} is part of the id of a commit: write all 40 digits", *path)
    else:
        draft.put("ref", {"branch": revision})
        if revision not in _USUAL:
            draft.assumed(f"{revision} is a branch: write ref.tag where it is a tag", *path)
