"""Verify the signatures that a spec asks for, before anything of the commit is read."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from towline.api.gitrepository import Spec
from towline.api.signed import verification
from towline.api.signed.verification import Signature, SignedKind, Trust, Verification
from towline.api.signed.verifying import Verify, VerifyMode
from towline.api.substituting import ValuesKind
from towline.kube import named_values
from towline.kube.client import Client
from towline.model import Key, Revision
from towline.reconcile.desired import unverified
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.reading_rules import ReadingRules
from towline.reconcile.desired.unverified import UnverifiedError
from towline.source.mirror import Mirrors
from towline.source.signatures import trusted_keys
from towline.source.signatures.signature_check import MissingProgramError
from towline.source.signatures.trusted_keys import TrustedKeys, UnfitKeysError

COMMITS = 1000
"""So many commits are verified for one revision."""

_BATCH = 50
"""So many are verified within the time of one read."""

_KEPT = 5000
"""Trusted commits that are remembered."""

_FRESH = 0.9
"""The fraction of an interval after which what was not trusted is verified anew: time alone may change that."""


class _ProblemError(Exception):
    """Why nothing can be verified, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    """What a verification was about, what it came to, and when, by the event loop's clock."""

    question: tuple[object, ...]
    answer: Verification
    at: float


class SignedHeads:
    """Verifies signatures, for all repositories.

    Args:
        client: reads the Secrets with the keys.
        mirrors: hold the commits.
        rules: name the Secret that no spec may name.
    """

    def __init__(self, client: Client, mirrors: Mirrors, rules: ReadingRules) -> None:
        self._client = client
        self._mirrors = mirrors
        self._rules = rules
        self._last: dict[Key, _Verified] = {}
        self._trusted: OrderedDict[tuple[str, str], Signature] = OrderedDict()

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._last.pop(key, None)

    async def verification(self, key: Key, spec: Spec, head: Head, applied: str) -> Verification | None:
        """Return what becomes of the signatures of a fetched commit; None where the spec asks for none.

        What was verified is not verified again while commit, tag and keys are the same.

        Args:
            key: whose commit it is.
            spec: asks for signatures.
            head: the commit.
            applied: the commit that was applied last, empty where none was.

        Raises:
            SourceError: the remote or the mirror.
            ClusterError: the Secret could not be read.
        """
        verify = spec.verify
        if verify is None:
            return None
        try:
            keys = await self._keys(key, verify.secret_name)
            base = applied if verify.mode is VerifyMode.EVERY_COMMIT else ""
            question = (verify, keys.mark, head.remote.identity, head.name, head.sha, head.tag, base)
            last, now = self._last.get(key), asyncio.get_running_loop().time()
            is_same = last is not None and last.question == question
            if last and is_same and (last.answer.is_trusted or now < last.at + spec.interval * _FRESH):
                return last.answer
            answer = await self._verified(spec, verify, head, base, keys)
        except (_ProblemError, UnfitKeysError, MissingProgramError) as error:
            return Verification(
                mode=verify.mode, secret=verify.secret_name, problem=_sentence(error, key, verify)
            )
        self._last[key] = _Verified(question=question, answer=answer, at=now)
        return answer

    async def refusal(
        self, key: Key, head: Head, revision: Revision, found: Verification, applied: str
    ) -> UnverifiedError:
        """Return the error of a revision that is not trusted, with the authors of the commits concerned."""
        shas = [each.sha for each in found.refused if each.kind is SignedKind.COMMIT and each.sha != head.sha]
        revisions = await self._mirrors.revisions(head.remote, shas[: unverified.NAMED])
        return unverified.error(key, revision, found, revisions, applied)

    async def _keys(self, key: Key, name: str) -> TrustedKeys:
        if (key.namespace, name) == self._rules.keys:
            raise _ProblemError(f"Secret {name} is that of the operator's own keys: name another one")
        found = await named_values.read(self._client, ValuesKind.SECRET, key.namespace, name)
        if found is None:
            raise _ProblemError(
                f"Secret {key.namespace}/{name} (spec.verify.secretRef) does not exist: create it with the public keys "
                "of those who may sign"
            )
        if found.is_bound:
            raise _ProblemError(
                f"Secret {key.namespace}/{name} (spec.verify.secretRef) is bound to hosts, for Git alone: name another "
                "one"
            )
        return await asyncio.to_thread(trusted_keys.keys, found.values)

    async def _verified(
        self, spec: Spec, verify: Verify, head: Head, applied: str, keys: TrustedKeys
    ) -> Verification:
        if verify.mode is VerifyMode.TAG:
            found: tuple[Signature, ...] = (await self._tag(spec, head, keys),)
        else:
            shas = (
                await self._commits(head, applied) if verify.mode is VerifyMode.EVERY_COMMIT else (head.sha,)
            )
            judged = await self._judged(head, shas, keys)
            found = tuple(judged[sha] for sha in shas)
        return verification.gathered(verify.mode, verify.secret_name, found)

    async def _commits(self, head: Head, applied: str) -> tuple[str, ...]:
        """Return the head, and the commits that came since the applied one; of a first sync the head alone.

        Where the applied commit is not there any more, nothing tells which ones are new, so that all count.
        """
        if applied in {"", head.sha}:
            return (head.sha,)
        found = await self._mirrors.since(head.remote, applied, head.sha, COMMITS + 1)
        if found is None:
            found = await self._mirrors.since(head.remote, "", head.sha, COMMITS + 1) or ()
        if len(found) > COMMITS:
            raise _ProblemError(
                f"more than {COMMITS} commits came since {applied[:7]}, too many to verify at once: let "
                "spec.ref.commit name one between, or set spec.verify.mode to Head for one sync"
            )
        return tuple(dict.fromkeys((head.sha, *found)))

    async def _judged(self, head: Head, shas: tuple[str, ...], keys: TrustedKeys) -> Mapping[str, Signature]:
        mark = f"{head.remote.identity} {keys.mark}"
        known = {sha: self._trusted[mark, sha] for sha in shas if (mark, sha) in self._trusted}
        rest = [sha for sha in shas if sha not in known]
        for at in range(0, len(rest), _BATCH):
            signed = await self._mirrors.signed(head.remote, rest[at : at + _BATCH])
            for each in await self._mirrors.verify(head.remote, signed, keys):
                known[each.sha] = each
                if each.trust is Trust.TRUSTED:
                    self._trusted[mark, each.sha] = each
        while len(self._trusted) > _KEPT:
            self._trusted.popitem(last=False)
        return known

    async def _tag(self, spec: Spec, head: Head, keys: TrustedKeys) -> Signature:
        """Verify the tag that the remote said to lead to the commit; it must do so, and have this very name."""
        if not head.tag:
            why = "is a lightweight tag, which cannot be signed: make an annotated one (git tag -s)"
            return Signature(sha=head.sha, kind=SignedKind.TAG, trust=Trust.UNSIGNED, why=why)
        await self._mirrors.fetch_tag(head.remote, head.name, head.tag, spec.timeout)
        (signed,) = await self._mirrors.signed(head.remote, [head.tag])
        if await self._mirrors.peeled(head.remote, head.tag) != head.sha:
            why = "leads to another commit than the remote said"
            return Signature(sha=head.tag, kind=SignedKind.TAG, trust=Trust.WRONG_TAG, why=why)
        (found,) = await self._mirrors.verify(head.remote, [signed], keys)
        if found.trust is Trust.TRUSTED and signed.tag != head.name.removeprefix("refs/tags/").encode():
            return replace(found, trust=Trust.WRONG_TAG, why="was signed under another name")
        return found


def _sentence(error: Exception, key: Key, verify: Verify) -> str:
    if isinstance(error, UnfitKeysError):
        return f"Secret {key.namespace}/{verify.secret_name} (spec.verify.secretRef) {error}"
    return str(error)
