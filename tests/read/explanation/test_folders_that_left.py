"""Of several new commits, the one that took the folder of the manifests away is blamed for its absence."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from towline.api import gitrepository
from towline.errors import Reason
from towline.read import crd_schema
from towline.read.cluster import Cluster
from towline.read.comparison.online_revisions import AskedComparison
from towline.read.comparison.revision_choice import RevisionChoice
from towline.read.explanation.cause import FoundCause
from towline.read.explanation.closer_look import CloserLook
from towline.read.explanation.known_syncs import KnownSyncs
from towline.render.offline.offline_tools import OfflineTools

from e2e.harness import gitrepo
from e2e.harness.gitrepo import BOB


async def test_the_commit_that_took_the_folder_away_is_named_and_not_the_newest(tmp_path: Path) -> None:
    repo = gitrepo.create(tmp_path / "shop.git", url="https://git.example/shop.git")
    applied = repo.commit({"deploy/web.yaml": "a: 1\n", "README.md": "The shop"})
    culprit = repo.commit({"deploy/web.yaml": None}, author=BOB)
    newest = repo.commit({"README.md": "The new shop"})
    repository = gitrepository.identify(
        {
            "metadata": {"namespace": "team", "name": "shop", "uid": "uid"},
            "spec": {"url": repo.url, "path": "./deploy"},
            "status": {"commit": {"applied": applied, "attempted": newest}},
        }
    )
    asked = AskedComparison(
        choice=RevisionChoice(repos=(repo.path,)), tools=OfflineTools(), against=crd_schema.load()
    )
    look = CloserLook(cast("Cluster", None), repository, KnownSyncs(), asked)  # no cluster is asked
    told = FoundCause(
        object="GitRepository.towline.dev/team/shop",
        pointer="/spec/path",
        commit=newest,
        reason=Reason.PATH_NOT_FOUND,
        evidence="deploy does not exist as a folder",
    )
    (found,) = await look.told((told,))
    assert (found.commit, found.author, found.pointer) == (culprit, BOB.name, "/spec/path")
    assert f"of the new commits {culprit[:7]} is the last one that changed this" in found.evidence
    assert look.notes == []
