"""Read the pull request of a commit, and who merged it, from the messages that forges and merge tools write.

What a message does not say is not guessed: a commit that was rebased onto the branch names no pull request, and an
issue that a message mentions is none. Forges let their users choose the words; only words that leave no doubt count.
"""

from __future__ import annotations

import re

from towline.model import Revision
from towline.source.authorship import trailers

_MERGED = tuple(
    re.compile(pattern)
    for pattern in (
        # GitHub; Bitbucket Server before 6; Gitee
        r"Merge pull request (?P<ref>[#!][0-9]+) (?:from|in) ",
        # Azure Repos, in the words of different years
        r"Merged? PR (?P<ref>[0-9]+): ",
        r"Merge pull request (?P<ref>[0-9]+) from .+ into ",
        # Gitea and Forgejo; `!` where issues are elsewhere
        r"Merge pull request '.*' \((?P<ref>[#!][0-9]+)\) from ",
        # templates of Bitbucket Server and others
        r"Merged? (?:pull request|PR) (?P<ref>#[0-9]+)(?:: |$)",
        # Bitbucket Cloud
        r"Merged in .* \(pull request (?P<ref>#[0-9]+)\)$",
        # bots that test before they merge
        r"(?:Auto|Rollup) merge of (?P<ref>#[0-9]+) - \S+, r=",
        # a ref that a forge keeps for pull requests, merged by hand
        r"Merge (?:commit|branch|remote-tracking branch) '(?:refs/)?pull/(?P<ref>[0-9]+)/(?:head|merge)'(?: |$)",
        r"Merge (?:commit|branch|remote-tracking branch) '(?:refs/)?merge-requests/(?P<mr>[0-9]+)/head'(?: |$)",
        # templates of GitLab; `!` is for merge requests alone
        r"(?:Merge (?:request |MR )?)?(?P<ref>(?:[\w.-]+(?:/[\w.-]+)+)?![0-9]+)(?::? |$)",
    )
)
"""How the subject of a merge, or of a squash, begins."""

_SQUASHED = tuple(
    re.compile(rf".*\S {pattern}$")
    for pattern in (
        r"\((?P<ref>#[0-9]+)\)",  # GitHub, Gitea, Forgejo
        r"\((?:pull request|PR) (?P<ref>#[0-9]+)\)",  # Bitbucket Cloud
        r"[(\[](?:merge request |MR )?(?P<ref>(?:[\w.-]+(?:/[\w.-]+)+)?![0-9]+)[)\]]",  # Gitea, GitLab
    )
)
"""How the subject of a squash ends."""

_ISSUE = re.compile(
    r"(?:.* )?(?:issues?|tickets?|see|refs?|clos(?:e|es|ed)|fix(?:es|ed)|resolv(?:e|es|ed)):? \(#[0-9]+\)$",
    re.IGNORECASE,
)
"""Subjects whose number is that of an issue."""

_SERVER_SUBJECT = re.compile(r"Pull request (?P<ref>#[0-9]+): ")
_SERVER_BODY = re.compile(r"Merge in \S+/\S+ from \S+(?: to \S+)?")
"""Bitbucket Server since version 6: both lines together."""

_BATCH = re.compile(r"Merge (?P<ref>#[0-9]+)")
_URL = (
    r"<?https?://\S+?/(?:pulls?|pull-requests|pullrequest|(?P<gitlab>merge_requests))/(?P<number>[0-9]+)"
    r"(?:/(?:overview|diffs)?)?(?:[?#]\S*)?>?"
)
_KEY = r"(?:see )?(?:pull|merge)[ -]request(?:[ -](?:url|link|resolved))?|(?:pr|mr)(?:-(?:url|link))?"
_LINES = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        r"See merge request:? (?P<ref>(?:[\w./+-]+)?![0-9]+)",  # GitLab
        rf"See merge request {_URL}",
        # merged by a script or by mail; the branch tells it from an issue that is closed
        r"clos(?:e|es|ed) (?P<ref>#[0-9]+) from [^\s/:]+[/:][^\s]*[^\s.,](?:[.,]| and squashes .*)?",
        r"PR Close (?P<ref>#[0-9]+)",
        rf"(?:{_KEY}|part-of|reviewed-on|reviewed-at): {_URL}",
        rf"(?:{_KEY}|github-pull-request): (?P<ref>(?:[\w./-]+)?[#!][0-9]+)",
        r"Merge pull request (?P<ref>![0-9]+) from \S+",  # Gitee, below the title
        r"Differential Revision: (?:https?://\S+/)?(?P<ref>D[0-9]+)",  # Phabricator
    )
)
"""Lines of a message that name the pull request, whatever its subject says."""

_ALONE = re.compile(rf"(?P<ref>(?:[\w.-]+(?:/[\w.-]+)+)?![0-9]+)|{_URL}")
"""What a template of GitLab may leave of its line, below a subject that says that a branch was merged."""

_GERRIT = re.compile(r"https?://\S+/(?P<ref>[0-9]+)/?")
_MERGED_BY = "merged-by"
_CHANGE_ID = re.compile(r"I[0-9a-f]{40}")
_FORGES = frozenset(
    {"github", "github enterprise", "gitlab", "gitea", "forgejo", "bitbucket", "azure devops"}
    | {"gerrit code review"}
)
_NOBODY = re.compile(r"(?:noreply|no-reply)@", re.IGNORECASE)
_PULLED = re.compile(r"Merge (?:remote-tracking )?branch(?:es)? '.*' of ")
"""What `git pull` writes: the author of the branch merges what others have merged before."""


def pull_request(message: str) -> str:
    """Return the pull request that a commit message names, as its forge writes it, or "".

    That is `#12`, `!34` of GitLab, `D56` of Phabricator; of Gerrit the Change-Id, or the number where there is none.
    """
    text = message.strip()
    subject, _, body = text.partition("\n")
    lines = [line.strip() for line in reversed(text.splitlines())]
    return (
        _of_subject(subject.strip(), lines)
        or _of_lines(lines)
        or _of_template(subject, body)
        or _of_change(text)
    )


def _of_subject(subject: str, lines: list[str]) -> str:
    for pattern in _MERGED:
        if match := pattern.match(subject):
            return _written(match)
    if (match := _SERVER_SUBJECT.match(subject)) and any(map(_SERVER_BODY.fullmatch, lines)):
        return _written(match)
    if match := _BATCH.fullmatch(subject):
        number = match["ref"].removeprefix("#")
        return match["ref"] if any(line.startswith(f"{number}: ") for line in lines) else ""
    if _ISSUE.match(subject):
        return ""
    return next((_written(match) for pattern in _SQUASHED if (match := pattern.match(subject))), "")


def _of_lines(lines: list[str]) -> str:
    """The last line counts: those before may quote what the commits of the branch said."""
    found = (pattern.fullmatch(line) for line in lines for pattern in _LINES)
    return next((_written(match) for match in found if match), "")


def _of_template(subject: str, body: str) -> str:
    if not subject.startswith("Merge branch '"):
        return ""
    named = {_written(match) for line in body.splitlines() if (match := _ALONE.fullmatch(line.strip()))}
    return named.pop() if len(named) == 1 else ""


def _of_change(message: str) -> str:
    """Return the change of Gerrit: the id that its hook gives to a commit, or the number of the review."""
    found = trailers.parse(message)
    for each in reversed(found):
        if each.name.lower() == "change-id" and _CHANGE_ID.fullmatch(each.value):
            return each.value
    for each in reversed(found):
        if each.name.lower() == "reviewed-on" and (match := _GERRIT.fullmatch(each.value)):
            return match["ref"]
    return ""


def _written(match: re.Match[str]) -> str:
    """Return a reference without its project, with the sign of its forge."""
    found = match.groupdict()
    if number := found.get("mr"):
        return f"!{number}"
    if number := found.get("number"):
        return f"!{number}" if found.get("gitlab") else f"#{number}"
    sign = re.search(r"[#!D]?[0-9]+$", found["ref"])
    written = sign[0] if sign else found["ref"]
    return f"#{written}" if written.isdigit() else written


def merged_by(revision: Revision, message: str = "") -> str:
    """Return who merged a pull request or a branch, as far as the commit says, or "".

    A trailer `Merged-by` says it; else the committer, or who made the forge write a merge. Of a squash that the forge
    wrote, the author is who made the change: nobody is named. Neither is for a change of Gerrit that was not written
    anew: its committer is who uploaded it.
    """
    found = {each.name.lower(): each.value for each in trailers.parse(message)}
    if name := found.get(_MERGED_BY, "").partition("<")[0].strip():
        return name
    merge = len(revision.parents) > 1
    if is_change(revision.pull_request) and not merge and "reviewed-on" not in found:
        return ""
    committer = revision.committer
    if committer.name.lower() not in _FORGES and not _NOBODY.match(committer.email):
        return committer.name
    return revision.author.name if merge else ""


def names_merger(revision: Revision) -> bool:
    """Say whether a trailer names who merged, whatever kind of commit it is."""
    return any(each.name.lower() == _MERGED_BY for each in revision.trailers)


def is_change(reference: str) -> bool:
    """Say whether a pull request is a change of Gerrit, which each commit names by itself."""
    return _CHANGE_ID.fullmatch(reference) is not None


def is_merge(revision: Revision) -> bool:
    """Say whether a commit says that it merges a branch; `git pull` only brings what others have merged."""
    says = revision.subject.startswith("Merge ") and not _PULLED.match(revision.subject)
    return says and len(revision.parents) > 1
