"""Read the pull request of a commit, and who merged it, from the messages that the usual forges write."""

from __future__ import annotations

import re

from towline.model import Revision

_MERGES = (
    re.compile(r"Merge pull request (?P<number>#[0-9]+) (?:from|in) "),  # GitHub; Bitbucket Server
    re.compile(r"Merge pull request '.*' \((?P<number>#[0-9]+)\) from "),  # Gitea, Forgejo
    re.compile(r"Merged in .* \(pull request (?P<number>#[0-9]+)\)"),  # Bitbucket
    re.compile(r"Merged PR (?P<number>[0-9]+): "),  # Azure
    re.compile(r".*\((?P<number>#[0-9]+)\)$"),  # a squash by GitHub, Gitea, Forgejo
    re.compile(r".*\(pull request (?P<number>#[0-9]+)\)$"),  # a squash by Bitbucket
)
_GITLAB = re.compile(r"See merge request (?:[\w./-]+)?(?P<number>![0-9]+)", re.ASCII)
_REVIEWED_ON = re.compile(r"Reviewed-on: https?://\S+/pulls/(?P<number>[0-9]+)", re.IGNORECASE)
_CLOSES = re.compile(
    r"clos(?:e|es|ed) (?P<number>#[0-9]+) from [^\s/:]+[/:][^\s]*[^\s.,](?:[.,]| and squashes .*)?",
    re.IGNORECASE,
)
"""Merged by a script or by mail: `Closes #12 from owner/branch`. The branch tells it from an issue that is closed."""
_FORGES = frozenset({"github", "gitlab", "gitea", "forgejo", "bitbucket", "azure devops"})
_NOBODY = re.compile(r"(?:noreply|no-reply)@", re.IGNORECASE)


def pull_request(message: str) -> str:
    """Return the pull request that a commit message names, as its forge writes it (`#12`, `!34`), or ""."""
    subject = message.strip().partition("\n")[0]
    for pattern in _MERGES:
        if match := pattern.match(subject):
            return f"#{match['number'].removeprefix('#')}"
    for line in map(str.strip, reversed(message.splitlines())):
        if match := _GITLAB.fullmatch(line) or _CLOSES.fullmatch(line):
            return match["number"]
        if match := _REVIEWED_ON.fullmatch(line):
            return f"#{match['number']}"
    return ""


def merged_by(revision: Revision) -> str:
    """Return who merged, as far as the commit says: its committer, or who made the forge write a merge.

    Of a squash that the forge wrote, the author is who made the change: nobody is named.
    """
    committer = revision.committer
    if committer.name.lower() not in _FORGES and not _NOBODY.match(committer.email):
        return committer.name
    return revision.author.name if len(revision.parents) > 1 else ""
