"""What a pass asks of Git, and what it knows already, against a real Git server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from towline.api import labels
from towline.api.gitrepository import Spec
from towline.errors import Reason, SourceError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.reconcile.desired.commit_charts import CommitCharts
from towline.reconcile.desired.commit_files import CommitFiles
from towline.reconcile.desired.commit_manifests import ManifestReader
from towline.reconcile.desired.commit_reader import CommitReader
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.reading_rules import ReadingRules
from towline.reconcile.desired.signed_heads import SignedHeads
from towline.reconcile.desired.whole_commit import WholeCommitReader
from towline.reconcile.fetch import Fetcher
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.remote_parts import RemoteParts
from towline.reconcile.state import Fetched, LastPass, Start
from towline.reconcile.values.treatments import Treatments
from towline.records.ledger import Ledger
from towline.render.cache import Cache
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.next_commit import NextCommitReader
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.shares.pools import Pools
from towline.source.helm_charts.chart_door import Charts
from towline.source.helm_charts.chart_http import ChartHttp
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits
from towline.status.compute import PassResult

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from tests.api.test_gitrepository import repository, specify
from tests.kube.loopback import Server, served, status
from tests.owner_stamps import STAMPS

APP = repository()

COSTLY = PassResult(
    generation=APP.generation, reason=Reason.GIT_TIMEOUT, observed="a" * 40, attempts=1, is_costly=True
)


@pytest.fixture
async def fetcher(mirrors: Mirrors, tmp_path: Path) -> AsyncIterator[Fetcher]:
    async with served(Server(status(403, "Forbidden"))) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda *_: None, stamps=STAMPS)
        rules = ReadingRules(allow_http=True, limits=SourceLimits(), yaml=YamlLimits())
        heads, cache = HeadReader(client, mirrors, rules), Cache()

        async def git(*_: object) -> None:
            return None

        treatments = Treatments(
            client,
            secret=b"k" * 32,
            own_keys=("", ""),
            hidden=HiddenValues(),
            git=git,
            find_sops=lambda: None,
        )
        jail = Jail(tmp_path / "renders", Pools.here())
        overlayer = ChartOverlayer(jail, lambda: None, InputReader(rules.yaml))
        charts = CommitCharts(ChartBuilder(jail, lambda: None), overlayer, discovery.served, rules.yaml)
        manifests = ManifestReader(
            files=CommitFiles(mirrors=mirrors, limits=rules.limits),
            cache=cache,
            units=UnitBuilder(jail, lambda: None, InputReader(YamlLimits())),
            charts=charts,
            yaml=rules.yaml,
        )
        source = CommitReader(
            heads=heads,
            discovery=discovery,
            index=index,
            cache=cache,
            treatments=treatments,
            charts=charts,
            parts=RemoteParts(
                mirrors,
                Charts(tmp_path, ChartHttp(Pools.here(), None, allow_http=True)),
                PartAccess(client, allow_http=True, own_keys=("", ""), require_bound=False),
                Ledger(client, "", tmp_path),
            ),
            next_commits=NextCommitReader(mirrors=mirrors, cache=cache, limits=rules.limits, yaml=rules.yaml),
            whole_commits=WholeCommitReader(
                discovery=discovery, index=index, manifests=manifests, treatments=treatments
            ),
        )
        yield Fetcher(
            heads=heads,
            source=source,
            signed=SignedHeads(client, mirrors, rules),
            index=index,
            clock=asyncio.get_running_loop().time,
        )
        await index.aclose()


def spec_of(repo: Repo) -> Spec:
    return specify(url=repo.url, ref={"branch": "main"})


def asked(server: GitServer, repo: Repo) -> int:
    return len(server.requests(repo.path.stem))


async def passed(fetcher: Fetcher, spec: Spec) -> Start:
    """Begin the pass that follows one that fetched a commit."""
    first = Start(repository=APP, last=LastPass(uid=APP.uid))
    fetched = await fetcher.commit(first, spec, await fetcher.head(first, spec))
    last = LastPass(
        uid=APP.uid, spec=spec, head=fetched.head, looked_at=fetched.head.seen_at, fetched=fetched
    )
    return Start(repository=APP, last=last)


async def test_a_commit_leads_from_the_head_to_its_author(fetcher: Fetcher, repo: Repo) -> None:
    sha = repo.commit({"a.yaml": "a"}, message="Begin")
    start = await passed(fetcher, spec_of(repo))
    fetched = start.last.fetched
    assert isinstance(fetched, Fetched)
    assert (fetched.head.name, fetched.head.sha) == ("refs/heads/main", sha)
    assert (fetched.revision.sha, fetched.revision.subject) == (sha, "Begin")


async def test_a_commit_beside_a_branch_must_be_in_its_history(fetcher: Fetcher, repo: Repo) -> None:
    first = repo.commit({"a.yaml": "a"})
    second = repo.commit({"a.yaml": "b"})
    repo.branch("fork")
    stranger = repo.commit({"a.yaml": "c"}, branch="fork")
    for sha in (first, second):
        fetched = (await passed(fetcher, pinned(repo, sha))).last.fetched
        assert fetched
        assert (fetched.head.name, fetched.revision.sha) == ("refs/heads/main", sha)
    refused = r"commit [0-9a-f]{7} \(spec.ref.commit\) is not in the history of branch main \(spec.ref.branch\): name"
    for sha in (stranger, "1" * 40, repo.git("rev-parse", "main^{tree}")):
        with pytest.raises(SourceError, match=refused) as raised:
            await passed(fetcher, pinned(repo, sha))
        assert raised.value.reason == Reason.ACCESS_DENIED
    repo.branch("main", at=stranger)
    assert (await passed(fetcher, pinned(repo, stranger))).last.fetched


async def test_a_commit_that_its_branch_has_lost_is_refused_from_then_on(
    fetcher: Fetcher, repo: Repo
) -> None:
    first = repo.commit({"a.yaml": "a"})
    lost = repo.commit({"a.yaml": "b"})
    await passed(fetcher, pinned(repo, lost))
    repo.branch("main", at=first)
    repo.commit({"a.yaml": "c"})
    with pytest.raises(SourceError, match="not in the history of branch main"):
        await passed(fetcher, pinned(repo, lost))
    repo.delete_branch("main")
    repo.branch("other", at=lost)
    with pytest.raises(SourceError, match="no branch main"):
        await passed(fetcher, pinned(repo, lost))


def pinned(repo: Repo, sha: str) -> Spec:
    return specify(url=repo.url, ref={"branch": "main", "commit": sha})


async def test_within_an_interval_the_server_is_not_asked_again(
    fetcher: Fetcher, repo: Repo, server: GitServer
) -> None:
    repo.commit({"a.yaml": "a"})
    spec = spec_of(repo)
    start = await passed(fetcher, spec)
    repo.commit({"a.yaml": "b"})
    before = asked(server, repo)
    assert await fetcher.head(start, spec) == start.last.head
    assert asked(server, repo) == before


@pytest.mark.parametrize("why", ["asked for", "another spec", "its commit could not be had"])
async def test_the_server_is_asked_again_where_the_last_answer_may_not_do(
    fetcher: Fetcher, repo: Repo, why: str
) -> None:
    repo.commit({"a.yaml": "a"})
    spec = spec_of(repo)
    start = await passed(fetcher, spec)
    newer = repo.commit({"a.yaml": "b"})
    if why == "asked for":
        start = replace(start, repository=replace(APP, annotations={labels.RECONCILE: "now"}))
    elif why == "another spec":
        spec = replace(spec, path="deploy")
    else:
        start = replace(start, last=replace(start.last, looked_at=-math.inf))
    assert (await fetcher.head(start, spec)).sha == newer


async def test_a_revision_that_is_known_is_the_very_same(fetcher: Fetcher, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    spec = spec_of(repo)
    start = await passed(fetcher, spec)
    known = start.last.fetched
    assert known
    assert (await fetcher.commit(start, spec, known.head)).revision is known.revision


async def test_every_remote_is_named_until_its_repository_is_gone(fetcher: Fetcher, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    await passed(fetcher, spec_of(repo))
    assert [remote.url for remote in fetcher.remotes()] == [repo.url]
    fetcher.forget(APP.key)
    assert fetcher.remotes() == ()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"retry_at": 0.0}, False),
        ({"manual": "before"}, False),
        ({"spec": specify(path="other")}, False),
        ({"passed": replace(COSTLY, observed="b" * 40)}, False),
        ({"passed": replace(COSTLY, is_costly=False)}, False),
        ({"passed": None}, False),
    ],
    ids=[
        "nothing changed",
        "a retry is due",
        "it is asked for",
        "another spec",
        "another head",
        "it was not costly",
        "nothing was tried",
    ],
)
async def test_a_commit_that_was_too_costly_is_left_alone_until_something_changes_or_a_retry_is_due(
    fetcher: Fetcher, changed: dict[str, Any], *, expected: bool
) -> None:
    last = LastPass(uid=APP.uid, spec=specify(), passed=COSTLY, retry_at=math.inf)
    start = Start(repository=APP, last=replace(last, **changed))
    head = Head(remote=cast("Any", None), name="refs/heads/main", sha=COSTLY.observed, seen_at=0.0)
    assert fetcher.is_too_costly(start, specify(), head) is expected


async def test_the_server_of_a_commit_that_was_too_costly_is_asked_for_a_new_head(fetcher: Fetcher) -> None:
    last = LastPass(uid=APP.uid, spec=specify(), passed=COSTLY, retry_at=math.inf)
    assert not fetcher.is_still_away(Start(repository=APP, last=last), specify(), None)


@pytest.mark.parametrize(
    ("reason", "secret", "retry_at", "expected"),
    [
        (Reason.AUTHENTICATION_FAILED, "1", math.inf, True),
        (Reason.AUTHENTICATION_FAILED, "2", math.inf, False),
        (Reason.AUTHENTICATION_FAILED, "1", 0.0, False),
        (Reason.BUILD_FAILED, "1", math.inf, False),
    ],
    ids=["nothing changed", "another Secret", "a retry is due", "Git was there"],
)
async def test_a_server_that_refused_is_left_alone_until_something_changes_or_a_retry_is_due(
    fetcher: Fetcher, reason: Reason, secret: str, retry_at: float, *, expected: bool
) -> None:
    spec = specify()
    failed = PassResult(generation=APP.generation, reason=reason)
    last = LastPass(uid=APP.uid, spec=spec, secret="1", passed=failed, retry_at=retry_at)
    start = Start(repository=APP, last=last)
    assert fetcher.is_still_away(start, spec, secret) is expected
