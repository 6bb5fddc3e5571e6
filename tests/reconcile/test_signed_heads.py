"""Which signatures each mode asks for, on a real Git server and with real keys."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web
from towline.api.gitrepository import Ref, RefKind, Spec
from towline.api.signed.verification import SignedKind, Trust, Verification
from towline.api.signed.verifying import Verify, VerifyMode
from towline.errors import SourceError
from towline.kube.client import Client
from towline.model import Key
from towline.reconcile.desired.commit_files import CommitFiles
from towline.reconcile.desired.git_values import GitValues
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.reading_rules import ReadingRules
from towline.reconcile.desired.signed_heads import SignedHeads
from towline.reconcile.desired.unverified import UnverifiedError
from towline.render.documents import YamlLimits
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits

from e2e.harness import signing
from e2e.harness.gitrepo import Repo
from e2e.harness.signing import Signer
from tests.api.test_gitrepository import SCHEMA, specify
from tests.kube.loopback import Handler, Server, says, served, status

KEY = Key("shop", "app")
TAG = Ref(kind=RefKind.TAG, value="v1.0.0")


@pytest.fixture(scope="module")
def signers() -> Iterator[Mapping[str, Signer]]:
    with signing.keys() as made:
        yield {"ada": made.gpg("ada"), "sue": made.ssh("sue")}


def secret(**data: bytes) -> Handler:
    encoded = {name: base64.b64encode(content).decode() for name, content in data.items()}
    return says(200, {"metadata": {"name": "signers"}, "data": encoded})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Asks for signatures as a pass does; `server` answers when the Secret is read."""

    repo: Repo
    signers: Mapping[str, Signer]
    server: Server
    client: Client
    heads: HeadReader
    signed: SignedHeads

    def commit(self, who: str = "", *parents: str, branch: str = "main") -> str:
        """Make a commit by somebody who signs, or by nobody, and put it on top of a branch."""
        known = self.repo.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        given = [part for parent in (known, *parents) if parent for part in ("-p", parent)]
        tree = self.repo.git("mktree") if not known else f"{known}^{{tree}}"
        sha = signing.commit(
            self.repo.path, self.signers.get(who), *given, "-m", f"By {who or 'nobody'}", tree=tree
        )
        self.repo.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def spec(self, mode: VerifyMode, ref: Ref | None = None) -> Spec:
        spec = specify(url=self.repo.url)
        return replace(
            spec,
            ref=ref or Ref(kind=RefKind.BRANCH, value="main"),
            verify=Verify(mode=mode, secret_name="signers"),
        )

    async def found(
        self, mode: VerifyMode, applied: str = "", ref: Ref | None = None
    ) -> tuple[Verification, UnverifiedError | None]:
        """Return what becomes of the signatures, and the error where they are not trusted."""
        spec = self.spec(mode, ref)
        head = await self.heads.head(await self.heads.remote(KEY, spec), spec)
        revision = await self.heads.revision(head, spec)
        found = await self.signed.verification(KEY, spec, head, applied)
        assert found
        if found.is_trusted:
            return found, None
        return found, await self.signed.refusal(KEY, head, revision, found, applied)


@pytest.fixture
async def desk(mirrors: Mirrors, repo: Repo, signers: Mapping[str, Signer]) -> AsyncIterator[Desk]:
    rules = ReadingRules(allow_http=True, limits=SourceLimits(), yaml=YamlLimits())
    server = Server(secret(**{"ada.asc": signers["ada"].public, "sue.pub": signers["sue"].public}))
    async with served(server) as client:
        yield Desk(
            repo=repo,
            signers=signers,
            server=server,
            client=client,
            heads=HeadReader(client, mirrors, rules),
            signed=SignedHeads(client, mirrors, rules),
        )


def trusts(found: Verification) -> list[tuple[str, Trust]]:
    return [(each.sha, each.trust) for each in found.signatures]


async def test_head_wants_a_signature_of_the_head_alone(desk: Desk) -> None:
    first = desk.commit()
    head = desk.commit("ada")
    found, error = await desk.found(VerifyMode.HEAD, applied=first)
    assert (trusts(found), error) == ([(head, Trust.TRUSTED)], None)


async def test_an_unsigned_head_is_refused_with_its_author_and_what_to_do(desk: Desk) -> None:
    applied = desk.commit("ada")
    head = desk.commit()
    _, error = await desk.found(VerifyMode.HEAD, applied=applied)
    assert error
    assert error.message == (
        f'{head[:7]} "By nobody" by Alice Author not applied: the commit is not signed; still at {applied[:7]}. '
        "To fix: sign it with a key in Secret shop/signers, and push it again"
    )
    assert [(each.reason, each.commit, each.message) for each in error.failures] == [
        ("VerificationFailed", head, "the commit is not signed")
    ]


async def test_an_unknown_key_is_named_with_the_secret_that_lacks_it(desk: Desk) -> None:
    desk.commit("ada")
    desk.server.answers = [secret(**{"sue.pub": desk.signers["sue"].public})]
    _, error = await desk.found(VerifyMode.HEAD)
    assert error
    key = desk.signers["ada"].key
    assert f"is signed by the GPG key {key}, which is not in Secret shop/signers" in error.message


async def test_every_commit_since_the_applied_one_must_be_signed(desk: Desk) -> None:
    desk.commit()
    applied = desk.commit("ada")
    signed = desk.commit("sue")
    unsigned = desk.commit()
    head = desk.commit("ada")
    found, error = await desk.found(VerifyMode.EVERY_COMMIT, applied=applied)
    assert trusts(found) == [(head, Trust.TRUSTED), (unsigned, Trust.UNSIGNED), (signed, Trust.TRUSTED)]
    assert error
    assert f'commit {unsigned[:7]} "By nobody" by Alice Author is not signed' in error.message
    assert [each.commit for each in error.failures] == [unsigned]


async def test_a_signed_merge_does_not_bring_in_what_is_not_signed(desk: Desk) -> None:
    applied = desk.commit("ada")
    desk.repo.branch("feature")
    brought = [desk.commit(branch="feature"), desk.commit(branch="feature")]
    head = desk.commit("ada", brought[1])
    found, error = await desk.found(VerifyMode.EVERY_COMMIT, applied=applied)
    assert {sha for sha, trust in trusts(found) if trust is Trust.UNSIGNED} == set(brought)
    assert error
    assert "is not signed; 1 more of 3 commits is not trusted; still at" in error.message
    assert (await desk.found(VerifyMode.HEAD, applied=applied))[1] is None
    assert found.signatures[0].sha == head


async def test_a_first_sync_wants_a_signature_of_the_head_alone(desk: Desk) -> None:
    desk.commit()
    head = desk.commit("ada")
    found, error = await desk.found(VerifyMode.EVERY_COMMIT)
    assert (trusts(found), error) == ([(head, Trust.TRUSTED)], None)


async def test_the_applied_commit_is_judged_again_where_nothing_is_new(desk: Desk) -> None:
    head = desk.commit()
    found, error = await desk.found(VerifyMode.EVERY_COMMIT, applied=head)
    assert trusts(found) == [(head, Trust.UNSIGNED)]
    assert error
    assert "still at" not in error.message


async def test_a_rollback_wants_a_signature_of_the_commit_that_it_goes_back_to(desk: Desk) -> None:
    first = desk.commit("ada")
    applied = desk.commit("ada")
    await desk.found(VerifyMode.EVERY_COMMIT)
    desk.repo.branch("main", at=first)
    found, error = await desk.found(VerifyMode.EVERY_COMMIT, applied=applied)
    assert (trusts(found), error) == ([(first, Trust.TRUSTED)], None)


async def test_where_the_applied_commit_is_gone_all_of_the_history_counts(desk: Desk) -> None:
    unsigned = desk.commit()
    head = desk.commit("ada")
    found, error = await desk.found(VerifyMode.EVERY_COMMIT, applied="1" * 40)
    assert trusts(found) == [(head, Trust.TRUSTED), (unsigned, Trust.UNSIGNED)]
    assert error


async def test_a_signed_tag_lets_an_unsigned_commit_in(desk: Desk) -> None:
    sha = desk.commit()
    tag = signing.tag(desk.repo.path, desk.signers["sue"], "v1.0.0", sha)
    found, error = await desk.found(VerifyMode.TAG, ref=TAG)
    assert (trusts(found), error) == ([(tag, Trust.TRUSTED)], None)
    assert [each.kind for each in found.signatures] == [SignedKind.TAG]
    ranged, error = await desk.found(VerifyMode.TAG, ref=Ref(kind=RefKind.SEMVER, value="1.x"))
    assert (trusts(ranged), error) == ([(tag, Trust.TRUSTED)], None)


async def test_a_tag_must_be_annotated_and_signed_and_is_judged_anew_when_it_is_made_again(
    desk: Desk,
) -> None:
    sha = desk.commit("ada")
    desk.repo.tag("v1.0.0")
    _, error = await desk.found(VerifyMode.TAG, ref=TAG)
    assert error
    assert "its tag is a lightweight tag, which cannot be signed: make an annotated one" in error.message
    signing.tag(desk.repo.path, None, "v1.0.0", sha)
    _, error = await desk.found(VerifyMode.TAG, ref=TAG)
    assert error
    assert "its tag is not signed" in error.message
    signing.tag(desk.repo.path, desk.signers["ada"], "v1.0.0", sha)
    assert (await desk.found(VerifyMode.TAG, ref=TAG))[1] is None


async def test_a_tag_that_was_signed_under_another_name_is_refused(desk: Desk) -> None:
    tag = signing.tag(desk.repo.path, desk.signers["ada"], "v0.9", desk.commit())
    desk.repo.git("update-ref", "refs/tags/v1.0.0", tag)
    found, error = await desk.found(VerifyMode.TAG, ref=TAG)
    assert trusts(found) == [(tag, Trust.WRONG_TAG)]
    assert error
    assert "its tag was signed under another name" in error.message


async def test_a_tag_that_leads_elsewhere_than_the_remote_said_is_refused(desk: Desk) -> None:
    tag = signing.tag(desk.repo.path, desk.signers["ada"], "v1.0.0", desk.commit())
    spec = desk.spec(VerifyMode.TAG, TAG)
    evil = desk.commit()
    offered = await desk.heads.head(await desk.heads.remote(KEY, spec), spec)
    branch = replace(spec, ref=Ref(kind=RefKind.BRANCH, value="main"))
    await desk.heads.revision(await desk.heads.head(offered.remote, branch), branch)
    lie: Head = replace(offered, sha=evil)
    found = await desk.signed.verification(KEY, spec, lie, "")
    assert found
    assert trusts(found) == [(tag, Trust.WRONG_TAG)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            status(404, "NotFound"),
            "Secret shop/signers (spec.verify.secretRef) does not exist: create it with",
        ),
        (secret(), "Secret shop/signers (spec.verify.secretRef) holds no public key: put GPG keys"),
        (secret(note=b"hello"), "Secret shop/signers (spec.verify.secretRef) has a line 1 in the entry note"),
        (
            says(200, {"metadata": {"annotations": {"towline.dev/hosts": "git.example"}}, "data": {}}),
            "Secret shop/signers (spec.verify.secretRef) is bound to hosts, for Git alone: name another one",
        ),
    ],
)
async def test_a_secret_that_cannot_be_used_is_named_with_what_to_do(
    desk: Desk, answer: Any, said: str
) -> None:
    desk.commit("ada")
    desk.server.answers = [answer]
    found, error = await desk.found(VerifyMode.HEAD)
    assert (found.is_trusted, found.signatures) == (False, ())
    assert error
    assert said in error.message
    assert error.failures == ()


async def test_a_changed_secret_is_judged_by_at_once(desk: Desk) -> None:
    desk.commit("ada")
    assert (await desk.found(VerifyMode.HEAD))[1] is None
    desk.server.answers = [secret(**{"sue.pub": desk.signers["sue"].public})]
    assert (await desk.found(VerifyMode.HEAD))[1] is not None
    desk.server.answers = [secret(**{"ada.asc": desk.signers["ada"].public})]
    assert (await desk.found(VerifyMode.HEAD))[1] is None


async def test_values_come_from_no_commit_that_its_own_repository_would_not_apply(
    desk: Desk, mirrors: Mirrors
) -> None:
    desk.commit()
    spec = {"url": desk.repo.url, "ref": {"branch": "main"}, "verify": {"secretRef": {"name": "signers"}}}
    named = {"namespace": KEY.namespace, "name": KEY.name, "uid": "u"}
    stored, keys = says(200, {"metadata": named, "spec": spec}), desk.server.answers[0]

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (keys if "/secrets/" in request.path else stored)(request)

    desk.server.answers = [answer]
    files = CommitFiles(mirrors=mirrors, limits=SourceLimits())
    git = GitValues(desk.client, SCHEMA, desk.heads, desk.signed, files)
    with pytest.raises(
        SourceError, match=r"valuesFrom\[0\]: GitRepository shop/app: .* the commit is not signed"
    ):
        await git.read(KEY, "values.yaml", "spec.helm.valuesFrom[0]")
