"""A row of a commit that is not applied: it names that commit and its author, and shows what is still applied."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.cluster import Kubectl
from e2e.harness.gitrepo import BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.scenes import manifests

BROKEN = {"web.yaml": "apiVersion: v1\nkind: ConfigMap\nkind: Secret\n"}
REFUSED = {"web.yaml": manifests.text({**manifests.config_map("web"), "dada": {}})}


@pytest.mark.parametrize(
    ("files", "reason", "where", "rest"),
    [
        pytest.param(BROKEN, "BuildFailed", "web.yaml:3: ", "; still at {good}", id="does not build"),
        pytest.param(
            REFUSED,
            "ApplyFailed",
            "web.yaml:6 ConfigMap {namespace}/web: ",
            ". 1 of 2 objects written; still at {good}",
            id="is refused",
        ),
    ],
)
def test_a_commit_that_fails_is_blamed_on_its_author_and_the_row_shows_what_is_applied(
    files: dict[str, str],
    reason: str,
    where: str,
    rest: str,
    operator: Operator,
    kubectl: Kubectl,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    good = repo.commit(manifests.config_maps(["settings"]), message="Start")
    repository = git_repository()
    repository.until_ready(good)
    bad = repo.commit(files, message="Add web", author=BOB)
    repository.until_reason(reason)
    said = repository.condition()["message"]
    named = {"good": good[:7], "namespace": repository.namespace}
    assert said.startswith(f'{bad[:7]} "Add web" by Bob Builder not applied: {where.format(**named)}')
    assert said.endswith(rest.format(**named))
    row = kubectl("get", RESOURCE, repository.name, "-n", repository.namespace, "--no-headers")
    assert row.split()[1:6] == ["False", reason, good[:7], "Alice", "Author"]
