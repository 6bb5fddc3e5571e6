"""The names that users and scripts rely on: on objects, in the audit log, in what kubectl prints."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import towline

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import ALICE, BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import managed_objects, manifests

GitRepositories = Callable[..., Repository]

COLUMNS = ["NAME", "READY", "REASON", "COMMIT", "AUTHOR", "HEALTHY", "DRIFT", "AGE", "STATUS"]
WIDE = [*COLUMNS, "OBJECTS", "MERGED-BY", "URL", "SUBJECT", "APPLIED", "SUSPENDED"]
RECORDS = [
    "NAME",
    "SEQ",
    "COMMIT",
    "AUTHOR",
    "TRIGGER",
    "OUTCOME",
    "CHANGED",
    "PRUNED",
    "FAILED",
    "AGE",
    "SUBJECT",
]
LONG = ("long-" * 13)[:64] + "er"
LONGEST = ("longest-" * 32)[:252] + "x"


def test_kubectl_shows_commit_author_and_state_by_short_name_and_category(
    operator: Operator, kubectl: Kubectl, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit(manifests.config_maps(["first", "second"]), message="Begin", author=BOB)
    app = git_repository()
    record = app.until_ready(sha)["lastRecord"]
    for columns, arguments in ((COLUMNS, ()), (WIDE, ("-o", "wide"))):
        head, row = kubectl("get", "tgr", "-n", app.namespace, *arguments).splitlines()
        assert head.split() == columns
        said = f'Applied {sha[:7]} "Begin" by {BOB.name}: 2 objects'
        assert re.split(r"\s{2,}", row)[:6] == ["app", "True", "Succeeded", sha[:7], BOB.name, "True"]
        assert said in row
    assert repo.url in kubectl("get", "tgr", "-n", app.namespace, "-o", "wide")
    head, row = kubectl("get", "syncrec", "-n", app.namespace).splitlines()
    assert head.split() == RECORDS
    shown = re.split(r"\s{2,}", row)
    assert shown[:6] == [record, "1", sha[:7], BOB.name, "Commit", "Succeeded"]
    assert shown[6] == "2"
    assert shown[-1] == "Begin"
    names = kubectl("get", "towline", "-n", app.namespace, "-o", "name").split()
    assert names == ["gitrepository.towline.dev/app", f"syncrecord.towline.dev/{record}"]


def test_an_object_carries_exactly_the_label_the_annotations_and_the_manager_of_the_contract(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    settings = manifests.config_map("settings", colour="blue")
    settings["metadata"] |= {"labels": {"tier": "web"}, "annotations": {"note": "mine"}}
    sha = repo.commit({"deploy/settings.yaml": manifests.text(settings)}, author=BOB)
    app = git_repository(path="deploy")
    app.until_ready(sha)
    metadata = cluster.get("v1", "ConfigMap", "settings", app.namespace)["metadata"]
    assert metadata["labels"] == {"tier": "web", "towline.dev/repository": f"{app.namespace}.app"}
    digest = metadata["annotations"].pop("towline.dev/digest")
    owner = metadata["annotations"].pop("towline.dev/owner")
    assert re.fullmatch(r"v1:[0-9a-f]{60}", digest)
    uid = app.read()["metadata"]["uid"]
    assert metadata["annotations"] == {
        "note": "mine",
        "towline.dev/commit": sha,
        "towline.dev/source": "deploy/settings.yaml",
    }
    assert re.fullmatch(rf"{uid}:ConfigMap/{app.namespace}/settings:[0-9a-f]{{32}}", owner)
    (entry,) = metadata["managedFields"]
    assert (entry["manager"], entry["operation"]) == (f"towline:{app.namespace}/app", "Apply")


@pytest.mark.parametrize("own", ["", "as the author says"])
def test_a_workload_says_why_it_changed_and_its_authors_own_words_win(
    own: str, operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    body = manifests.deployment()
    if own:
        body["metadata"]["annotations"] = {"kubernetes.io/change-cause": own}
    sha = repo.commit({"web.yaml": manifests.text(body)}, message="Release 1\n\nAt last.", author=BOB)
    app = git_repository()
    app.until_ready(sha)
    live = cluster.get("apps/v1", "Deployment", "web", app.namespace)
    cause = live["metadata"]["annotations"]["kubernetes.io/change-cause"]
    assert cause == (own or f"{sha[:7]} Release 1 ({BOB.name})")


def test_each_create_update_and_prune_tells_the_audit_log_its_version_repository_commit_and_record(
    operator: Operator, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    mark = audit.mark()
    first = repo.commit(manifests.config_maps(["changed", "pruned"], colour="blue"))
    app = git_repository()
    app.until_ready(first)
    second = repo.commit({**manifests.config_maps(["changed"], colour="red"), "pruned.yaml": None})
    app.until_ready(second)
    names = [record["metadata"]["name"] for record in app.records()]
    told = [(event.verb, event.name, event.user_agent) for event in managed_objects.writes(audit, mark, app)]
    agents = [
        f"towline/{towline.__version__} (repository={app.namespace}/app; commit={sha}; record={name})"
        for sha, name in zip((first, second), names, strict=True)
    ]
    assert sorted(told) == [
        ("delete", "pruned", agents[1]),
        *sorted((("patch", "changed", agents[0]), ("patch", "changed", agents[1]))),
        ("patch", "pruned", agents[0]),
    ]


def test_every_write_about_a_repository_itself_names_it_in_the_audit_log(
    operator: Operator, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    mark = audit.mark()
    sha = repo.commit(manifests.config_maps(["first"]))
    app = git_repository()
    app.until_ready(sha)
    audit.until(lambda event: (event.resource, event.namespace) == ("events", app.namespace), mark=mark)
    start = f"towline/{towline.__version__} (repository={app.namespace}/app; commit="
    written = [each for each in audit.writes(mark, identity.OPERATOR) if each.namespace == app.namespace]
    assert {event.resource for event in written} == {"configmaps", "events", "gitrepositories", "syncrecords"}
    assert [str(event) for event in written if not event.user_agent.startswith(start)] == []


def test_records_are_numbered_and_named_after_their_repository_and_its_uid(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    app = git_repository()
    for colour in ("blue", "red", "green"):
        app.until_ready(repo.commit(manifests.config_maps(["first"], colour=colour)))
    uid = app.read()["metadata"]["uid"]
    names = [record["metadata"]["name"] for record in app.records()]
    assert names == [f"app-{uid[:8]}-{number:08}" for number in (1, 2, 3)]
    assert app.status()["lastRecord"] == names[-1]


@pytest.mark.parametrize("name", [LONG, LONGEST])
def test_a_repository_with_a_long_name_knows_prunes_and_releases_its_objects_by_a_hash(
    name: str, operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit(manifests.config_maps(["first", "second"]))
    app = git_repository(name)
    app.until_ready(sha)
    metadata = cluster.get("v1", "ConfigMap", "first", app.namespace)["metadata"]
    assert re.fullmatch(r"h-[0-9a-f]{40}", metadata["labels"]["towline.dev/repository"])
    (entry,) = metadata["managedFields"]
    plain = f"towline:{app.namespace}/{name}"
    hashed = re.fullmatch(r"towline:h-[0-9a-f]{40}", entry["manager"]) is not None
    assert hashed == (len(plain) > 128)
    assert hashed or entry["manager"] == plain
    app.until_ready(repo.commit({"second.yaml": None}))
    assert cluster.find("v1", "ConfigMap", "second", app.namespace) is None
    counts = [record["status"]["counts"] for record in app.records()]
    assert [(count["created"], count["pruned"]) for count in counts] == [(2, 0), (0, 1)]
    cluster.delete("v1", "ConfigMap", "first", app.namespace)
    app.until(lambda status: status["lastRecord"].endswith("3"), "a repair")
    app.change(deletionPolicy="Orphan")
    app.delete()
    app.until_gone()
    assert "labels" not in cluster.get("v1", "ConfigMap", "first", app.namespace)["metadata"]


def test_the_status_says_all_of_the_applied_commit(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit(manifests.config_maps(["first"]))
    repo.branch("more")
    repo.commit(manifests.config_maps(["second"]), author=BOB, branch="more")
    sha = repo.merge_pull_request(7, "more", title="Add the second", merged_by=ALICE)
    status = git_repository().until_ready(sha)
    applied: Object = dict(status["applied"])
    moments = (applied.pop("committedAt"), applied.pop("appliedAt"))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment) for moment in moments)
    assert moments[0] <= moments[1]
    assert applied == {
        "short": sha[:7],
        "author": BOB.name,
        "mergedBy": ALICE.name,
        "subject": "Merge pull request #7 from example/more",
        "pullRequest": "#7",
    }
    assert set(status) == {
        "observedGeneration",
        "ref",
        "commit",
        "applied",
        "objects",
        "kinds",
        "lastRecord",
        "checkpoint",
        "conditions",
    }
    assert status["kinds"] == [{"group": "", "kind": "ConfigMap"}]
