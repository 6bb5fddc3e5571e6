"""Read values files of an Application that are in another repository than its chart, or at another revision."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from towline.importing.argo import git_places
from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import RepositoryTree

_GLOB = re.compile(r"[*?\[{]")


def repository(
    draft: Draft, reference: Mapping[str, Any], tree: RepositoryTree | None, path: Path
) -> Draft | None:
    """Return a draft of the repository that a `$ref` names; None where it is that of the draft, at the same revision.

    Raises:
        NotImportableError: it cannot be followed.
    """
    found = Draft(draft.of, [])
    git_places.put(found, reference, path, tree)
    if all(found.spec.get(name) == draft.spec.get(name) for name in ("url", "ref")):
        return None
    return found


def name(draft: Draft, found: Draft, reference: str, file: str, path: Path) -> dict[str, Any] | None:
    """Have a draft take a file of another repository as values; None where the file is not one.

    Args:
        draft: that of the chart.
        found: that of the other repository, which becomes a GitRepository that applies nothing.
        reference: the word that names it.
        file: the path from the root of it.
        path: where the file is named in the Application.
    """
    clean = posixpath.normpath(file)
    if _GLOB.search(file) or clean.startswith(".."):
        draft.lost("it must be one file of the repository: name each of them", *path)
        return None
    if reference not in draft.more:
        found.put("suspend", value=True)
        draft.more[reference] = found
        draft.notes.extend(found.notes)
        message = (
            f"its repository becomes the GitRepository {draft.of.name}-{reference}, which applies nothing"
        )
        draft.different(message, *path)
    return {"gitRepository": {"name": f"{draft.of.name}-{reference}", "path": clean}}
