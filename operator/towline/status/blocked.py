"""Prunes that wait for a person: the part of the status that lists them, and the sentence that asks."""

from __future__ import annotations

from collections.abc import Sequence

from towline import text
from towline.api import labels
from towline.model import Body, Change, Key

SHOWN = 10
"""How many blocked prunes a status lists; the total counts all."""
_NAMED = 3
_MESSAGE_BYTES = 1024


def fields(changes: Sequence[Change] | None, token: str) -> Body:
    """Return `status.blocked`; nothing where the pass does not know, an empty one where none is blocked."""
    if changes is None:
        return {}
    if not changes:
        return {"blocked": {}}
    prunes = [_entry(change) for change in changes[:SHOWN]]
    return {"blocked": {"prunes": prunes, "prunesTotal": len(changes), "confirm": token}}


def sentence(changes: Sequence[Change], token: str, key: Key) -> str:
    """Ask for a confirmation: what would be lost, how to allow it, how to keep it.

    Args:
        changes: the blocked ones, at least one.
        token: what confirms exactly these.
        key: the GitRepository that is to be annotated.
    """
    allow = f"kubectl annotate tgr/{key.name} {labels.CONFIRM_PRUNE}={token} --overwrite -n {key.namespace}"
    return f"Waiting for you: {_loss(changes)}. Allow: {allow}; keep: {_keep(changes)}"


def _loss(changes: Sequence[Change]) -> str:
    """Say what would be lost: those with a reason of their own come first, as they made the others wait."""
    first = changes[0]
    own = [change for change in changes if change.ref.display in change.message]
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
