"""Fill in the variables that Argo CD has for the fields of an Application, such as `$ARGOCD_APP_NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from towline.importing.draft import Draft
from towline.importing.field_rules import Path

_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z_]\w*|[*#$@!?0-9-]))", re.ASCII)
_OF_COMMITS = "ARGOCD_APP_REVISION"


def of(draft: Draft, source: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that are known without a commit."""
    spec = draft.of.spec
    return {
        "ARGOCD_APP_NAME": draft.of.name,
        "ARGOCD_APP_NAMESPACE": str((spec.get("destination") or {}).get("namespace") or ""),
        "ARGOCD_APP_PROJECT_NAME": str(spec.get("project") or ""),
        "ARGOCD_APP_SOURCE_REPO_URL": str(source.get("repoURL") or ""),
        "ARGOCD_APP_SOURCE_PATH": str(source.get("path") or ""),
        "ARGOCD_APP_SOURCE_TARGET_REVISION": str(source.get("targetRevision") or ""),
        "$": "$",
    }


def filled(draft: Draft, text: str, variables: Mapping[str, str], path: Path) -> str:
    """Return a text with its variables filled in; unknown ones are empty, and one that names a commit is told."""
    of_commits = [name for name in _names(text) if name.startswith(_OF_COMMITS)]
    if of_commits:
        message = f"${of_commits[0]} changes with each commit: remove it, towline.dev/commit names that of each object"
        draft.lost(message, *path)
        return text
    return _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), text)


def _names(text: str) -> list[str]:
    return [braced or plain for braced, plain in _VARIABLE.findall(text)]
