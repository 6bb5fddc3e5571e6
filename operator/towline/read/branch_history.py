"""Read the commits of a repository's branch from Git, with the files that each of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from towline.api.gitrepository import GitRepository
from towline.model import Revision
from towline.read.applied_history.commit_accounts import BranchCommits
from towline.read.applied_history.recorded_sync import RecordedSync
from towline.read.git import git_search
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import GitSearch

MOST = 2000
"""How many commits are accounted for; older ones are left out."""

_BRANCHES = "refs/heads/"


async def read(
    repository: GitRepository, recorded: Sequence[RecordedSync], repo: Path | None
) -> tuple[BranchCommits | None, str]:
    """Return the commits of the branch, None where Git cannot be read, and what a reader must know of that.

    Args:
        repository: whose branch it is.
        recorded: its syncs, the oldest first.
        repo: a clone that the user names.

    Raises:
        SourceError: Git cannot be read.
    """
    url = str(repository.raw_spec.get("url", ""))
    commit = repository.status.get("commit", {})
    observed = str(commit.get("observed", "") or repository.applied)
    found = await git_search.find(GitSearch.here(url, observed, repo=repo, fresh=True))
    if found.content is None:
        return None, found.missing
    tip = await _tip(found.content, observed, _ref(repository, recorded))
    if not tip:
        return None, found.missing or "no commit of the branch is known yet"
    revisions = tuple(await found.content.log(tip, most=MOST))
    files = await _files(found.content, revisions, str(repository.raw_spec.get("path") or "."))
    ended = _ended(revisions, await found.content.cut())
    branch = BranchCommits(revisions=revisions, files=files, applied=repository.applied, ended=ended)
    return branch, found.missing


def _ended(revisions: Sequence[Revision], cut: AbstractSet[str]) -> str:
    """Say where commits end before their history does."""
    known = {each.sha for each in revisions}
    if known & cut:
        return "the clone is shallow, and older commits are not in it: run git fetch --unshallow there"
    if all(parent in known for each in revisions for parent in each.parents):
        return ""
    last = revisions[-1]
    return (
        f"the newest {len(revisions):,} commits are shown, the last one is {last.sha[:7]}: older ones are told by"
        f" git log {last.sha[:7]}, and their syncs without --graph"
    )


def _ref(repository: GitRepository, recorded: Sequence[RecordedSync]) -> str:
    """Return the full name of the ref that is followed, as far as it is known; empty for a commit."""
    spec = repository.raw_spec.get("ref")
    ref = spec if isinstance(spec, dict) else {}
    if branch := ref.get("branch"):
        return "" if ref.get("commit") else f"{_BRANCHES}{branch}"
    if ref:
        return ""
    return next((sync.intent.ref for sync in reversed(recorded) if sync.intent.ref), "")


async def _tip(content: GitContent, observed: str, ref: str) -> str:
    """Return the newest commit: the head of the branch if it goes on from what was observed, else that."""
    branch = ref.removeprefix(_BRANCHES)
    for name in (f"refs/remotes/origin/{branch}", ref) if ref.startswith(_BRANCHES) else ():
        tip = await content.resolve(name)
        if tip and (not observed or await _leads_to(content, tip, observed)):
            return tip
    return observed if observed and await content.has(observed) else ""


async def _leads_to(content: GitContent, tip: str, sha: str) -> bool:
    return await content.has(sha) and await content.leads_to(tip, sha)


async def _files(content: GitContent, revisions: Sequence[Revision], path: str) -> dict[str, frozenset[str]]:
    """Return the files below a path that each commit changed, compared with its first parent."""
    folder = path.removeprefix("./").strip("/")
    cut = await content.cut()
    commits = [(each.sha, *(() if each.sha in cut else each.parents)) for each in revisions]
    steps = await content.reader.steps(
        content.place.folder, commits, () if folder in {"", "."} else (folder,)
    )
    return {step.sha: frozenset(step.deltas[0]) for step in steps}
