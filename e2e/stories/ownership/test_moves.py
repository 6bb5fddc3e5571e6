"""Objects that move from one repository to another, and repositories that want the same object."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

GitRepositories = Callable[..., Repository]

PAIRS, ROUNDS = 10, 5


@pytest.fixture
def other_repo(git_server: GitServer, namespace: str) -> Repo:
    """Another Git repository."""
    return git_server.create(f"{namespace}-other")


def test_an_object_that_moves_to_another_repository_in_one_commit_stays_the_same_object(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    order = random.Random(7)  # noqa: S311  an order of passes, not a secret
    pairs = range(PAIRS)
    folders = [f"{pair}/{side}" for pair in pairs for side in "ab"]
    sha = repo.commit({f"{pair}/a/moving.yaml": moving(pair) for pair in pairs} | others(*folders))
    apps = [git_repository(f"{folder[-1]}-{folder[:-2]}", path=folder) for folder in folders]
    for app in apps:
        app.until_ready(sha, deadline=60)
    before = uids(cluster, namespace)

    for turn in range(ROUNDS):
        old, new = ("a", "b") if turn % 2 == 0 else ("b", "a")
        move: dict[str, str | None] = {f"{pair}/{old}/moving.yaml": None for pair in pairs}
        sha = repo.commit(move | {f"{pair}/{new}/moving.yaml": moving(pair) for pair in pairs})
        order.shuffle(apps)
        for app in apps:
            app.annotate(reconcile=sha)
        for app in apps:
            app.until_ready(sha, deadline=60)
        assert uids(cluster, namespace) == before
        assert owners(cluster, namespace) == {f"moving-{pair}": f"{new}-{pair}" for pair in pairs}


def test_an_object_whose_folder_is_handed_from_one_spec_to_another_stays_the_same_object(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    pairs = range(PAIRS)
    folders = others(*map(str, pairs), *(f"taker-{pair}" for pair in pairs))
    sha = repo.commit({f"{pair}/shared/moving.yaml": moving(pair) for pair in pairs} | folders)
    givers = [git_repository(f"giver-{pair}", path=str(pair)) for pair in pairs]
    takers = [git_repository(f"taker-{pair}", path=f"taker-{pair}") for pair in pairs]
    for app in (*givers, *takers):
        app.until_ready(sha, deadline=60)
    before = uids(cluster, namespace)

    for pair, giver, taker in zip(pairs, givers, takers, strict=True):
        taker.change(path=f"{pair}/shared")
        giver.change(exclude=["shared/"])
    eventually(
        lambda: owners(cluster, namespace) == {f"moving-{pair}": f"taker-{pair}" for pair in pairs},
        deadline=60,
        message="the new owners",
    )
    assert uids(cluster, namespace) == before


def test_a_move_is_told_by_the_records_of_both_repositories(
    repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({"a/moving.yaml": moving(0), **others("a", "b")})
    old, new = git_repository("old", path="a"), git_repository("new", path="b")
    old.until_ready(sha)
    new.until_ready(sha)

    sha = repo.commit({"a/moving.yaml": None, "b/moving.yaml": moving(0)})
    old.until_ready(sha)
    new.until_ready(sha)

    name = f"ConfigMap/{namespace}/moving-0"
    assert ("release", name) in told(old)
    assert ("prune", name) not in told(old)
    assert ("adopt", name) in told(new)


def test_a_renamed_repository_keeps_its_objects(
    cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({f"{pair}.yaml": moving(pair) for pair in range(12)})
    old = git_repository("old")
    old.until_ready(sha)
    before = uids(cluster, namespace)
    mark = audit.mark()

    new = git_repository("new")
    old.delete()
    old.until_gone(deadline=60)
    new.until_ready(sha, deadline=60)

    assert uids(cluster, namespace) == before
    assert set(owners(cluster, namespace).values()) == {"new"}
    deleted = [event for event in audit.writes(mark, "towline") if event.verb == "delete"]
    assert not [event for event in deleted if event.namespace == namespace]


def test_of_two_repositories_that_declare_an_object_that_nobody_owns_the_older_gets_it(
    cluster: Cluster, repo: Repo, other_repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    older = git_repository("z-older", suspend=True)
    a_second_later(older)
    younger = git_repository("a-younger", url=other_repo.url, suspend=True)
    repo.commit({"shared.yaml": moving(0)})
    other_repo.commit({"shared.yaml": moving(0)})

    younger.change(suspend=False)
    older.change(suspend=False)

    older.until_reason("Succeeded")
    status = younger.until_reason("ApplyFailed")
    assert owners(cluster, namespace) == {"moving-0": "z-older"}
    (failure,) = status["failures"]
    assert failure["reason"] == "OwnedByAnother"
    assert f"{namespace}" in failure["message"]
    assert "z-older" in failure["message"]


def test_an_owner_keeps_an_object_that_an_older_repository_declares_later(
    cluster: Cluster, repo: Repo, other_repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit(manifests.config_maps(["own"]))
    older = git_repository("older")
    older.until_ready(sha)
    a_second_later(older)
    owner = git_repository("owner", url=other_repo.url)
    sha = other_repo.commit({"shared.yaml": moving(0)})
    owner.until_ready(sha)
    before = uids(cluster, namespace)

    repo.commit({"shared.yaml": moving(0)})
    older.until_reason("ApplyFailed")
    owner.annotate(reconcile="now")
    owner.until_ready(sha)
    assert owners(cluster, namespace)["moving-0"] == "owner"

    owner.until_ready(other_repo.commit({"shared.yaml": None, **manifests.config_maps(["else"])}))
    older.until_reason("Succeeded", deadline=10)
    assert owners(cluster, namespace)["moving-0"] == "older"
    assert uids(cluster, namespace)["moving-0"] == before["moving-0"]


def test_a_repository_whose_objects_all_move_away_waits_for_nobodys_confirmation(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    many = range(12)
    sha = repo.commit({f"a/{each}.yaml": moving(each) for each in many} | {"b/note.txt": "later"})
    old = git_repository("old", path="a")
    old.until_ready(sha)
    new = git_repository("new", path="b")
    new.until_reason("SourceEmpty")
    before = uids(cluster, namespace)

    moved: Mapping[str, str | None] = {f"a/{each}.yaml": None for each in many}
    sha = repo.commit({**moved, "a/note.txt": "gone"} | {f"b/{each}.yaml": moving(each) for each in many})
    new.until_ready(sha, deadline=60)
    old.until_applied(sha, deadline=60)

    assert uids(cluster, namespace) == before
    assert set(owners(cluster, namespace).values()) == {"new"}


def moving(number: int) -> str:
    """One ConfigMap as a file."""
    return manifests.text(manifests.config_map(f"moving-{number}", colour="blue"))


def others(*folders: str) -> dict[str, str]:
    """For each folder, one object that stays in it."""
    named = {folder: f"own-{folder.replace('/', '-')}" for folder in folders}
    return {
        f"{folder}/own.yaml": manifests.text(manifests.config_map(name)) for folder, name in named.items()
    }


def uids(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return the uid of each object that may move."""
    return {name: metadata["uid"] for name, metadata in _moving(cluster, namespace)}


def owners(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return the name of the repository that owns each object that may move, empty where none does."""
    labels = {name: metadata.get("labels", {}) for name, metadata in _moving(cluster, namespace)}
    return {name: found.get("towline.dev/repository", "").partition(".")[2] for name, found in labels.items()}


def _moving(cluster: Cluster, namespace: str) -> list[tuple[str, Object]]:
    found = [one["metadata"] for one in cluster.list("v1", "ConfigMap", namespace)]
    return [(one["name"], one) for one in found if one["name"].startswith("moving-")]


def told(app: Repository) -> set[tuple[str, str]]:
    """Return what the records say was done to which object."""
    changes = [change for record in app.records() for change in record["spec"].get("changes", [])]
    return {(change["action"], change["object"]) for change in changes}


def a_second_later(app: Repository) -> None:
    """Wait until a resource that is created now is younger by its creationTimestamp, which counts seconds."""
    created = datetime.fromisoformat(app.read()["metadata"]["creationTimestamp"]).timestamp()
    eventually(lambda: time.time() >= created + 1, deadline=5, message="the next second")
