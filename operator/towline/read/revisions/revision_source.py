"""Say where one revision is read: in a clone or a mirror, or in a folder on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from towline.errors import SourceError
from towline.read.git.git_content import GitContent
from towline.read.revisions.cloned_commits import ClonedCommits
from towline.read.revisions.folder_files import FolderFiles
from towline.reconcile.desired.commit_files import CommitFiles, RevisionFiles
from towline.reconcile.desired.head import Head
from towline.render.units import tree_paths
from towline.render.units.tree_paths import LedOutError
from towline.source.access import Remote
from towline.source.selection import SourceLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSource:
    """One revision that can be read: `files` list and read it, `head` names it to them.

    `path` leads from the root of its repository to the folder of manifests.
    """

    files: RevisionFiles
    head: Head
    path: str

    @property
    def sha(self) -> str:
        """Its commit, empty for a folder."""
        return self.head.sha

    async def content(self, path: str) -> bytes | None:
        """Return the content of a file by its path from the root of the repository; None where it cannot be read."""
        try:
            source = await self.files.unit_source(self.head)
            found = tree_paths.target(source.tree, path).file
            return (await source.read([found]))[0] if found else None
        except (SourceError, LedOutError, KeyError):
            return None


def of_commit(content: GitContent, sha: str, url: str, path: str) -> RevisionSource:
    """Return a commit of a clone.

    Args:
        content: where it is.
        sha: its id.
        url: of the repository.
        path: of the folder of manifests.
    """
    files = CommitFiles(mirrors=ClonedCommits(content), limits=SourceLimits())
    head = Head(remote=Remote(url=url), name=sha, sha=sha, seen_at=0.0)
    return RevisionSource(files=files, head=head, path=path)


def of_folder(root: Path, path: str) -> RevisionSource:
    """Return a folder on disk.

    Args:
        root: the top of a work tree, or the folder of manifests itself.
        path: of the folder of manifests from there.
    """
    head = Head(remote=Remote(url=""), name="", sha="", seen_at=0.0)
    return RevisionSource(files=FolderFiles.below(root), head=head, path=path)
