"""Charts from elsewhere: at an exact version, and in the Git repository that describes their release."""

from __future__ import annotations

import re
from collections.abc import Mapping

from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource

EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)
"""A version of a chart that is not a range."""


def pinned(draft: Draft, chart: Mapping[str, str], path: Path) -> None:
    """Put a chart from elsewhere into a draft, at an exact version.

    Where the resource names a range, the version that runs counts, if its status tells.

    Raises:
        NotImportableError: the version is a range, and which one runs is not known.
    """
    version = chart["version"]
    if not EXACT.fullmatch(version):
        running = _running(draft.of)
        if not running:
            message = f"the version {version} is a range: write the one that runs, such as 1.2.3"
            raise draft.refused(message, *path)
        draft.different(
            f"{version} is a range: it stays at {running}, which runs now, until Git says otherwise", *path
        )
        version = running
    draft.put("remote", "Pinned")
    draft.put("helm.chart", {**chart, "version": version})


def at_home(draft: Draft, known: Homes) -> None:
    """Put the Git repository into a draft that a release of a chart from elsewhere is described in.

    Raises:
        NotImportableError: there is none.
    """
    home = known.of(draft.of.file)
    if home is None:
        message = (
            "its chart is not in Git, and a GitRepository needs a repository: name one with --repo and --path"
        )
        raise draft.refused(message)
    draft.put("url", home.url)
    draft.put("path", home.path)
    if not known.given:
        draft.assumed(
            f"it belongs to the repository that its file is in, {home.url}: else name one with --repo"
        )


def _running(of: PeerResource) -> str:
    """Return the version of the chart that a HelmRelease or an Application says it has applied."""
    status = of.body.get("status")
    history = status.get("history") if isinstance(status, Mapping) else None
    if isinstance(history, list) and history and isinstance(history[0], Mapping):
        found = str(history[0].get("chartVersion", ""))
        return found if EXACT.fullmatch(found) else ""
    sync = status.get("sync") if isinstance(status, Mapping) else None
    found = str(sync.get("revision", "")) if isinstance(sync, Mapping) else ""
    return found if EXACT.fullmatch(found) else ""
