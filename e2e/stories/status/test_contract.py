"""What the status says, for every reason that a user can bring about with a spec, a Secret or a commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import yaml

from e2e.conftest import CRDS
from e2e.harness.cluster import Kubectl, Object
from e2e.harness.gitrepo import Content, Entry, Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import API, KIND, RESOURCE, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]

CONDITIONS = ["Ready", "Reconciling", "Stalled", "Synced", "Healthy", "Drifted", "Suspended"]
NOWHERE = "https://127.0.0.1:1/app.git"
BROKEN = "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n"


class Case(NamedTuple):
    """One mistake: the reason it leads to, what the message names, the condition that is True beside it."""

    reason: str
    told: str
    beside: str
    spec: Mapping[str, Any]
    files: Mapping[str, Content] = {}


def missing(told: str, **ref: str) -> Case:
    return Case("RefNotFound", told, "", {"ref": ref})


SPECS = (
    Case(
        "InvalidSpec", "spec.exclude holds a pattern with more than 3 *", "Stalled", {"exclude": ["a*b*c*d*"]}
    ),
    Case(
        "InvalidURL",
        "spec.url must name a repository by a plain path",
        "Stalled",
        {"url": "https://127.0.0.1"},
    ),
    Case(
        "InvalidURL", "spec.url must write an IPv4 address", "Stalled", {"url": "https://2130706433/app.git"}
    ),
    Case("InvalidRef", "spec.ref.semver", "Stalled", {"ref": {"semver": "newest"}}),
    Case("InsecureConnection", "spec.secretRef", "Stalled", {"secretRef": {"name": "git"}}),
    Case(
        "AuthConfigInvalid",
        "/git does not exist",
        "Reconciling",
        {"url": NOWHERE, "secretRef": {"name": "git"}},
    ),
    Case("AuthConfigInvalid", "spec.secretRef", "Reconciling", {"url": "ssh://git@127.0.0.1:1/app.git"}),
    Case("GitUnavailable", "https://127.0.0.1:1/", "Reconciling", {"url": NOWHERE}),
)
SOURCES = (
    missing("spec.ref.branch", branch="absent"),
    missing("spec.ref.tag", tag="absent"),
    missing("spec.ref.semver", semver=">=1.0"),
    missing("refs/pull/1/head", name="refs/pull/1/head"),
    missing("f" * 40, commit="F" * 40),
    Case("PathNotFound", "spec.path absent", "", {"path": "absent"}),
    Case("PathNotFound", "is a file", "", {"path": "first.yaml"}),
    Case("SymlinkRefused", "spec.path link", "", {"path": "link"}, {"link": Entry("120000", "folder")}),
    Case("SourceEmpty", "no manifests below 'folder'", "", {"path": "folder"}),
    Case("SymlinkRefused", "link.yaml", "", {}, {"link.yaml": Entry("120000", "/etc/passwd")}),
    Case("BuildFailed", "broken.yaml:4", "", {}, {"broken.yaml": BROKEN}),
    Case("ApplyFailed", "first.yaml:1", "Reconciling", {"defaultNamespace": "absent"}),
)
STALLED = "To fix: change the spec or its Secret"


def _id(case: Case) -> str:
    return f"{case.reason}-{'-'.join(case.spec) or next(iter(case.files))}"


@pytest.mark.parametrize("case", [*SPECS, *SOURCES], ids=_id)
def test_each_mistake_has_its_reason_its_conditions_and_a_message_that_names_it(
    case: Case, operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    first = manifests.config_maps(["first"])
    sha = repo.commit({**first, "folder/README.md": "No manifest", **case.files})
    repository = git_repository(**case.spec)
    status = repository.until_reason(case.reason)
    found = _conditions(status, generation=1)
    assert found["Ready"]["status"] == "False"
    assert case.told in found["Ready"]["message"]
    assert _beside(found) == ([case.beside] if case.beside else [])
    assert found["Stalled"]["message"] == STALLED or case.beside != "Stalled"
    assert found["Synced"]["status"] == ("False" if status.get("commit") else "Unknown")
    assert status.get("commit", {}) in ({}, {"observed": sha}, {"observed": sha, "attempted": sha}) or (
        case.reason == "RefNotFound"
    )
    assert "finalizers" not in repository.read()["metadata"]


def test_a_server_that_wants_credentials_says_where_they_belong(
    operator: Operator, git_server: GitServer, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit(manifests.config_maps(["first"]))
    git_server.require(repo.path.stem, "Basic bm9ib2R5Om5vdGhpbmc=")
    repository = git_repository()
    found = _conditions(repository.until_reason("AuthenticationFailed"), generation=1)
    assert _beside(found) == ["Reconciling"]
    assert "name it in spec.secretRef" in found["Ready"]["message"]
    assert found["Synced"]["status"] == "Unknown"
    git_server.require(repo.path.stem, "")
    repository.until_ready(sha)


def test_prunes_that_wait_for_a_person_are_neither_stalled_nor_reconciling(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    files = {"first.yaml": manifests.text(manifests.config_map("first"))}
    applied = repo.commit({**files, "claim.yaml": manifests.text(manifests.claim())})
    repository = git_repository()
    repository.until_applied(applied)  # nobody here binds the claim
    sha = repo.commit({"claim.yaml": None})
    status = repository.until_reason("PruneBlocked")
    found = _conditions(status, generation=1)
    assert _beside(found) == []
    assert (found["Synced"]["status"], found["Synced"]["reason"]) == ("False", "PruneBlocked")
    assert f"towline.dev/confirm-prune={status['blocked']['confirm']}" in found["Ready"]["message"]
    assert status["commit"] == {"observed": sha, "attempted": sha, "applied": applied}


def test_suspending_keeps_what_is_applied_and_resuming_makes_it_ready_again(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit(manifests.config_maps(["first"]))
    repository = git_repository()
    before = repository.until_ready(sha)
    repository.change(suspend=True)
    status = repository.until_reason("Suspended", kind="Suspended")
    found = _conditions(status, generation=2)
    assert (found["Ready"]["status"], found["Synced"]["status"]) == ("True", "True")
    assert (found["Suspended"]["status"], found["Suspended"]["reason"]) == ("True", "Suspended")
    assert "nothing is fetched or written" in found["Suspended"]["message"].lower()
    assert (status["applied"], status["commit"]) == (before["applied"], before["commit"])
    repository.change(suspend=False)
    _conditions(repository.until_reason("Succeeded"), generation=3)


def test_a_spec_that_is_mended_is_tried_at_once_and_the_message_named_all_of_it(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit(manifests.config_maps(["first"]))
    repository = git_repository(
        ref={"semver": "newest"},
        healthChecks=[{"apiVersion": "v1", "kind": "Pod", "current": "("}],
        interval="1h",
    )
    message = _conditions(repository.until_reason("InvalidSpec"), generation=1)["Ready"]["message"]
    assert "spec.ref.semver" in message
    assert "spec.healthChecks" in message
    repository.change(ref=None, healthChecks=None)
    repository.until_ready(sha)


def test_of_many_broken_files_the_status_names_ten_and_counts_all(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    names = [f"broken-{number:02}.yaml" for number in range(12)]
    sha = repo.commit(dict.fromkeys(names, BROKEN))
    status = git_repository().until_reason("BuildFailed")
    assert status["failuresTotal"] == 12
    assert [(each["file"], each["line"], each["reason"], each["commit"]) for each in status["failures"]] == [
        (name, 4, "BuildFailed", sha) for name in names[:10]
    ]
    assert "object" not in status["failures"][0]


STORED = (
    ("InvalidRef", "spec.ref", {"ref": {"branch": "main", "tag": "v1"}}),
    ("InvalidPath", "spec.path", {"path": "../elsewhere"}),
    ("InvalidURL", "spec.url", {"url": "ext::sh -c id"}),
    ("InvalidRef", "spec.ref.branch", {"ref": {"branch": "--upload-pack=id"}}),
    ("InvalidSpec", "spec.interval", {"interval": "soon"}),
)


@pytest.mark.parametrize(("reason", "field", "spec"), STORED)
def test_what_an_older_schema_let_in_is_refused_by_name_and_can_still_be_deleted(
    reason: str,
    field: str,
    spec: Mapping[str, Any],
    operator: Operator,
    kubectl: Kubectl,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    sha = repo.commit(manifests.config_maps(["first"]))
    repository = git_repository()
    repository.until_ready(sha)
    with _older_schema(kubectl, repository):
        repository.change(**spec)
    status = repository.until_reason(reason)
    found = _conditions(status, generation=2)
    assert _beside(found) == ["Stalled"]
    assert field in found["Ready"]["message"]
    assert status["commit"]["applied"] == sha
    repository.delete()
    repository.until_gone()


@contextmanager
def _older_schema(kubectl: Kubectl, repository: Repository) -> Iterator[None]:
    """Serve a schema that admits any spec; it holds once a dry run shows that it does."""
    strict = (CRDS / "gitrepositories.yaml").read_text()
    crd: Object = yaml.safe_load(strict)
    (version,) = crd["spec"]["versions"]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    properties["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    try:
        kubectl("apply", "-f", "-", stdin=json.dumps(crd))
        _until_path_is(kubectl, repository, admitted=True)
        yield
    finally:
        kubectl("apply", "-f", "-", stdin=strict)
        _until_path_is(kubectl, repository, admitted=False)


def _until_path_is(kubectl: Kubectl, repository: Repository, *, admitted: bool) -> None:
    probe = {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {"name": "probe", "namespace": repository.namespace},
        "spec": {"url": NOWHERE, "path": "/absolute"},
    }

    def seen() -> bool:
        try:
            kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe))
        except AssertionError:
            return not admitted
        return admitted

    eventually(seen, message=f"the schema of {RESOURCE}, lenient: {admitted}")


def _conditions(status: Object, *, generation: int) -> dict[str, Object]:
    """Return the conditions by type, after a look at what holds for all of them."""
    conditions = status["conditions"]
    assert [one["type"] for one in conditions] == CONDITIONS
    assert {one["observedGeneration"] for one in conditions} == {generation}
    assert status["observedGeneration"] == generation
    assert all(one["reason"] and one["message"] and one["lastTransitionTime"] for one in conditions)
    found = {one["type"]: one for one in conditions}
    is_applied = "applied" in status.get("commit", {})
    well = ("True", "Succeeded") if is_applied else ("Unknown", "NotAssessed")
    assert (found["Healthy"]["status"], found["Healthy"]["reason"]) == well
    assert found["Drifted"]["reason"] in {"NotAssessed", "NoDrift"}
    return found


def _beside(found: Mapping[str, Object]) -> list[str]:
    return [kind for kind in ("Reconciling", "Stalled") if found[kind]["status"] == "True"]
