"""Who made objects what they are, where their history is too much to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from towline.api.syncrecord import Trigger
from towline.model import Change, ChangedBy, ObjectRef, Plan
from towline.reconcile.desired.commit_files import CommitFiles
from towline.reconcile.desired.head import Head
from towline.reconcile.locate import Blame
from towline.reconcile.rendered_fields import RenderedFields
from towline.reconcile.state import Fetched
from towline.render.chart_lines.chart_tracer import ChartTracer
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.units.inputs import InputReader
from towline.shares.pools import Pools
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits

from e2e.harness.gitrepo import Repo
from tests.api.test_gitrepository import repository, specify
from tests.reconcile.execution import NO_UNITS
from tests.records import syncs
from tests.source.commands import started

APP = repository()


def creation(name: str) -> Change:
    change = syncs.change(name)
    assert change.manifest
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": name}}
    return replace(change, manifest=replace(change.manifest, content=json.dumps(body).encode()))


async def test_a_history_that_takes_too_long_to_read_is_not_read_again_before_the_next_commit(
    repo: Repo, mirrors: Mirrors, tmp_path: Path
) -> None:
    remote = Remote(url=repo.url)
    hasty = Mirrors(tmp_path / "data", SourceLimits(read_seconds=0.0))  # the folder of `mirrors`
    blame = Blame(hasty, YamlLimits(), NO_UNITS)
    told = []
    repo.commit({"app/all.yaml": "before"})
    for content in ("a", "b"):
        sha = repo.commit({"app/all.yaml": content})
        await mirrors.fetch(remote, "refs/heads/main", sha, 30.0)
        head = Head(remote=remote, name="refs/heads/main", sha=sha, seen_at=0.0)
        fetched = Fetched(spec=specify(), head=head, revision=await mirrors.revision(remote, sha))
        for name in ("one", "two"):
            with capture_logs() as lines:
                plan = Plan(changes=(creation(name),))
                assert await blame.changed_by(APP, fetched, plan, (), Trigger.COMMIT) == {}
            told.append(
                [line["commit"] for line in lines if "history cannot be read" in line["event"]] == [sha]
            )
    assert told == [True, False, True, False]
    await hasty.aclose()


async def test_what_the_first_commit_declares_is_its_own_and_no_history_is_read(
    repo: Repo, mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote, sha = Remote(url=repo.url), repo.commit({"app/all.yaml": "a"})
    await mirrors.fetch(remote, "refs/heads/main", sha, 30.0)
    head = Head(remote=remote, name="refs/heads/main", sha=sha, seen_at=0.0)
    fetched = Fetched(spec=specify(), head=head, revision=await mirrors.revision(remote, sha))
    made = creation("one")
    assert made.manifest

    async def found() -> Mapping[ObjectRef, ChangedBy]:
        tracer = UnitTracer(Jail(tmp_path / "renders", Pools.here()), lambda: None, InputReader(YamlLimits()))
        files = CommitFiles(mirrors=mirrors, limits=SourceLimits())
        rendered = RenderedFields(files, tracer, ChartTracer(YamlLimits()))
        return await Blame(mirrors, YamlLimits(), rendered).changed_by(
            APP, fetched, Plan(changes=(made,)), (), Trigger.COMMIT
        )

    with started(monkeypatch) as commands:
        assert await found() == {made.ref: ChangedBy(revision=fetched.revision, origin=made.manifest.origin)}
        assert commands == []
        (mirror,) = (path for path in (tmp_path / "data" / "mirrors").iterdir() if path.is_dir())
        (mirror / "shallow").write_text(f"{sha}\n")
        with capture_logs() as lines:
            assert await found() == {}
        assert ["does not tell who changed them" in line["event"] for line in lines] == [True]
