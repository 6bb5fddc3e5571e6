"""Know under which refs forges serve the commits of a pull request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from towline.errors import Reason, SourceError

_GITHUB = "refs/pull/{}/head"  # Gitea and Forgejo, too
_GITLAB = "refs/merge-requests/{}/head"
_BITBUCKET = "refs/pull-requests/{}/from"
_AZURE = "refs/pull/{}/merge"

_HOSTS = (("gitlab", _GITLAB), ("bitbucket", _BITBUCKET), ("azure", _AZURE), ("visualstudio", _AZURE))

_ABSENT = "couldn't find remote ref"
"""What git says of a ref that the server does not have."""


def candidates(url: str, number: int) -> tuple[str, ...]:
    """Return the refs to ask for, the most likely one first; any forge may have any name.

    Args:
        url: of the repository.
        number: of the pull request.
    """
    host = (urlsplit(url).hostname or "").lower()
    named = tuple(ref for word, ref in _HOSTS if word in host)
    every = dict.fromkeys((*named, _GITHUB, _GITLAB, _BITBUCKET, _AZURE))
    return tuple(each.format(number) for each in every)


async def fetched(url: str, number: int, fetch: Callable[[str], Awaitable[str]]) -> str:
    """Return the newest commit of a pull request.

    Args:
        url: of the repository.
        number: of the pull request.
        fetch: fetches a ref and returns its commit.

    Raises:
        SourceError: the server cannot be asked, or serves no ref for it.
    """
    for ref in candidates(url, number):
        try:
            return await fetch(ref)
        except SourceError as error:
            if _ABSENT not in error.message:
                raise
    message = f"{url} serves no ref for pull request {number}: name its branch or commit with --revision"
    raise SourceError(Reason.REF_NOT_FOUND, message)
