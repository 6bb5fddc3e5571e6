"""List the prunes that wait for a confirmation, and ask for it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from towline import text
from towline.api import labels
from towline.model import Body, Change, Key

SHOWN = 10
"""How many blocked prunes a status lists, or more if more of them hold data; the total counts all."""
_SHOWN_BYTES = 64 * 1024
"""Bytes up to which all objects that hold data are listed."""
_TOKEN_BYTES = 40
_NAMED = 3
_MESSAGE_BYTES = 1024


def fields(changes: Sequence[Change] | None, token: str, doubted: int = 0) -> Body:
    """Return `status.blocked`; nothing if the pass has made no plan, an empty one if no prune is blocked."""
    if changes is None:
        return {}
    if not changes:
        return {"blocked": {}}
    owned = {"ownedTotal": doubted} if doubted else {}
    return {"blocked": {"prunes": _shown(changes), "prunesTotal": len(changes), **owned, "confirm": token}}


def _shown(changes: Sequence[Change]) -> list[Body]:
    """List objects that hold data first, all of them if there is room, then others up to ten in all."""
    listed: list[Body] = []
    size = 0
    for change in sorted(changes, key=lambda change: not _names_a_loss(change)):
        if len(listed) >= SHOWN and not _names_a_loss(change):
            break
        entry = _entry(change)
        size += sum(len(str(value).encode()) for value in entry.values())
        if listed and size > _SHOWN_BYTES:
            break
        listed.append(entry)
    return listed


def _names_a_loss(change: Change) -> bool:
    """Tell whether a deletion waits because of what this very object holds."""
    return change.ref.display in change.message


def sentence(changes: Sequence[Change], token: str, key: Key, confirmed: str = "") -> str:
    """Ask for a confirmation: what would be lost, how to allow it, how to keep it.

    Args:
        changes: the blocked ones, at least one.
        token: what confirms exactly these.
        key: the GitRepository that is to be annotated.
        confirmed: the token that it is annotated with, which is not this one; empty where it has none.
    """
    allow = f"kubectl annotate tgr/{key.name} {labels.CONFIRM_PRUNE}={token} --overwrite -n {key.namespace}"
    wrong = _refused(confirmed) if confirmed else ""
    return f"Waiting for you: {wrong}{_loss(changes)}. Allow: {allow}; keep: {_keep(changes)}"


def _refused(confirmed: str) -> str:
    shown = text.printable(confirmed, _TOKEN_BYTES)
    return f'the token "{shown}" in {labels.CONFIRM_PRUNE} does not confirm this list. '


def _loss(changes: Sequence[Change]) -> str:
    """Say what would be lost; objects that hold data come first, because the others wait for them."""
    first = changes[0]
    own = [change for change in changes if _names_a_loss(change)]
    if own:
        rest = len(changes) - 1
        others = f" (and {text.many(rest, 'more deletion')} of this commit)" if rest else ""
        return f"{text.printable(own[0].message, _MESSAGE_BYTES)}{others}"
    named = ", ".join(change.ref.display for change in changes[:_NAMED])
    more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
    return f"{first.message}: {named}{more}" if first.message else f"deleting {named}{more}"


def _keep(changes: Sequence[Change]) -> str:
    files = tuple(
        dict.fromkeys(change.live.source for change in changes if change.live and change.live.source)
    )
    if not files:
        return "declare it in Git again"
    named = ", ".join(files[:_NAMED])
    return f"restore {named}" + (f" and {len(files) - _NAMED} more files" if len(files) > _NAMED else "")


def _entry(change: Change) -> Body:
    message = text.printable(change.message, _MESSAGE_BYTES)
    return {"object": str(change.ref), "reason": change.reason, **({"message": message} if message else {})}
