"""Say why a revision is not applied whose signatures are not trusted, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from towline import text
from towline.api.signed.verification import Signature, SignedKind, Trust, Verification
from towline.errors import Failure, Reason, SourceError
from towline.model import Key, Revision
from towline.status import conditions

NAMED = 10
"""How many commits are named."""

_KEY_BYTES = 64
_SIGNER_BYTES = 120

_CLAUSES = {
    Trust.UNSIGNED: "is not signed",
    Trust.UNKNOWN_KEY: "is signed by {key}, which is not in Secret {secret}",
    Trust.EXPIRED_KEY: "is signed by {key}, which has expired",
    Trust.REVOKED_KEY: "is signed by {key}, which is revoked",
    Trust.EXPIRED_SIGNATURE: "is signed by {key}, but the signature has expired",
    Trust.BAD_SIGNATURE: "does not match its signature: one of them was changed",
    Trust.UNSUPPORTED: "is signed in a way that Towline does not verify",
    Trust.WRONG_TAG: "is another tag inside",
}
_STEPS = {
    Trust.UNSIGNED: "sign it with a key in Secret {secret}, and push it again",
    Trust.UNKNOWN_KEY: "sign it with a key in Secret {secret}, or add this one if you trust it",
    Trust.EXPIRED_KEY: "renew the key and replace it in Secret {secret}, or sign with another one",
    Trust.REVOKED_KEY: "sign it with another key, and find out who has used this one",
    Trust.EXPIRED_SIGNATURE: "sign it again, without an end",
    Trust.BAD_SIGNATURE: "make and sign it anew, and find out who has changed it",
    Trust.UNSUPPORTED: "sign it with GPG or SSH, by a key in Secret {secret}",
    Trust.WRONG_TAG: "make and sign a tag of this name, and push it",
}


class UnverifiedError(SourceError):
    """A revision is not signed as the spec wants it, or that cannot be found out; `failures` names what is wrong."""

    def __init__(self, message: str, failures: tuple[Failure, ...] = ()) -> None:
        super().__init__(Reason.VERIFICATION_FAILED, message, failures=failures)


def error(
    key: Key, head: Revision, found: Verification, revisions: Mapping[str, Revision], applied: str
) -> UnverifiedError:
    """Return the error that ends the pass.

    Args:
        key: whose revision it is.
        head: the revision.
        found: what became of its signatures.
        revisions: the first commits that are not trusted, by their ids.
        applied: the commit that is applied, empty where none is.
    """
    named = conditions.named(head.short, head.subject, head.writer.name)
    still = conditions.still_at(applied, head.sha)
    state = f"; {still}" if still else ""
    if found.problem:
        return UnverifiedError(f"{named} not applied: {found.problem}{state}")
    secret = f"{key.namespace}/{found.secret}"
    refused = found.refused
    first = refused[0]
    failures = tuple(
        Failure(
            reason=Reason.VERIFICATION_FAILED,
            message=f"{_named(each, head, revisions)} {_clause(each, secret)}",
            commit=each.sha if each.kind is SignedKind.COMMIT else head.sha,
        )
        for each in refused
    )
    more = f"; {_others(len(refused) - 1, found.total)}" if len(refused) > 1 else ""
    cause = f"{_named(first, head, revisions)} {_clause(first, secret)}{more}"
    step = _STEPS[first.trust].format(secret=secret)
    return UnverifiedError(f"{named} not applied: {cause}{state}. To fix: {step}", failures)


def _others(count: int, total: int) -> str:
    return f"{count} more of {total} commits {'is' if count == 1 else 'are'} not trusted"


def _named(signature: Signature, head: Revision, revisions: Mapping[str, Revision]) -> str:
    """Return how people name what had to be signed: the commit that the sentence begins with is not named again."""
    if signature.kind is SignedKind.TAG:
        return "its tag"
    if signature.sha == head.sha:
        return "the commit"
    if known := revisions.get(signature.sha):
        return f"commit {conditions.named(known.short, known.subject, known.author.name)}"
    return f"commit {signature.sha[:7]}"


def _clause(signature: Signature, secret: str) -> str:
    key = (
        f"the {signature.format} key {text.printable(signature.key, _KEY_BYTES)}"
        if signature.key
        else "a key"
    )
    if signature.signer:
        key = f"{key} of {text.printable(signature.signer, _SIGNER_BYTES)}"
    if signature.why:
        return f"{signature.why} ({key})" if signature.key else signature.why
    return _CLAUSES[signature.trust].format(key=key, secret=secret)
