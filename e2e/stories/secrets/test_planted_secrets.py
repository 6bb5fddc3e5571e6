"""A value that Git keeps in a Secret, or under a name that says so, is shown nowhere, whatever becomes of it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, manifests, planted_values
from e2e.scenes.planted_values import Planted, Scene

QUIET = "!has(object.data) || !('talked' in object.data)"
WORDS = (
    "'says ' + object.data.talked + ' or ' + object.metadata.annotations.note + ' or ' + "
    "object.metadata.annotations.note.split('').join('').lowerAscii()"
)


def test_a_secret_leaves_no_trace_from_its_adoption_to_its_end(
    scene: Scene, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], namespace: str
) -> None:
    before, first, second, by_hand, again = values = [planted_values.plant() for _ in range(5)]
    cluster.create(manifests.secret("credentials", namespace, password=before.sharp, left=before.sharp))
    cluster.create(manifests.config_map("settings", namespace, DB_PASSWORD=before.sharp))
    sha = repo.commit(_files(_declared(first)))
    observer = git_repository("observer", mode="Observe")
    observer.until_reason("Planned")
    app = git_repository()
    app.until_ready(sha)
    with cluster_limits.unrecorded(cluster, namespace, _again(app.records()[0])):
        app.until_ready(repo.commit(_files(_declared(second))))
    assert any((scene.operator.data_folder / "records").iterdir())
    _edit(cluster, namespace, by_hand)
    eventually(lambda: _password(cluster, namespace) == second.sharp, message="the repair of the Secret")
    app.change(drift="Report")
    app.until_reason("Succeeded")
    _edit(cluster, namespace, again)
    app.until_reason("Drifted", kind="Drifted")
    scene.operator.restart()
    app.until_ready(repo.commit(dict.fromkeys(_files(_declared(second)[:2]))))
    cluster.until_gone("v1", "Secret", "credentials", namespace)
    app.delete()
    app.until_gone()

    shown = scene.shown(namespace)
    assert planted_values.traces(shown, values) == []
    assert shown[namespace].count(b"***") >= 20
    assert scene.onlooker.saw("fetch")
    assert scene.onlooker.saw("KUBECONFIG=")


@pytest.mark.parametrize("preflight", [True, False])
def test_a_secret_that_is_refused_leaves_no_trace(
    scene: Scene,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    *,
    preflight: bool,
) -> None:
    first, second = values = [planted_values.plant(), planted_values.plant()]
    number = Planted(str(10**15 + secrets.randbelow(10**15)))
    sha = repo.commit(_files(_unchanging(first)))
    app = git_repository(preflight=preflight)
    app.until_ready(sha)
    with cluster_limits.denying(cluster, namespace, QUIET, WORDS):
        repo.commit(_files([*_unchanging(second), *_refused(second, number)]))
        refused = {failure["reason"] for failure in app.until_reason("ApplyFailed")["failures"]}
        assert refused == {"ImmutableField", "Invalid", "AdmissionDenied", "TooLarge", "WrongType"}
        app.change(preflight=False, force=True)
        eventually(
            lambda: _type(cluster, namespace) == f"example.com/{second.core}",
            deadline=30,
            message="the replacement",
        )
        app.until_reason("ApplyFailed")

    shown = scene.shown(namespace)
    assert planted_values.traces(shown, [*values, number]) == []
    assert b"AdmissionDenied" in shown[namespace]


def _files(bodies: list[Object]) -> dict[str, str]:
    return {f"{body['kind']}-{body['metadata']['name']}.yaml": manifests.text(body) for body in bodies}


def _declared(value: Planted) -> list[Object]:
    """Declare a value in every place that is secret, in a Secret and elsewhere."""
    credentials = manifests.secret("credentials", password=value.sharp, long=f"{value.sharp}\n" * 200)
    credentials["data"] = {"raw": _encoded(value.sharp)}
    credentials["metadata"]["annotations"] = {"note": value.sharp}
    settings = manifests.config_map("settings", DB_PASSWORD=value.sharp)
    settings["metadata"]["annotations"] = {"example.com/api-token": value.sharp}
    web = manifests.deployment("web")
    (container,) = web["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "PASSWORD", "value": value.sharp}, {"name": "PLAIN", "value": "shown"}]
    return [credentials, settings, web]


def _unchanging(value: Planted) -> list[Object]:
    typed = {**manifests.secret("typed", password=value.sharp), "type": f"example.com/{value.core}"}
    return [typed, {**manifests.secret("fixed", password=value.sharp), "immutable": True}]


def _refused(value: Planted, number: Planted) -> list[Object]:
    """Declare what the server refuses by words of its own, most of which quote the value."""
    talked = manifests.secret("talked", talked=value.sharp)
    talked["metadata"]["annotations"] = {"note": value.sharp}
    no_base64 = {**manifests.secret("no-base64"), "data": {"other": f"%{value.sharp}"}}
    labelled = manifests.secret("labelled", other=value.sharp)
    labelled["metadata"]["labels"] = {"copy": value.sharp}
    kind = {**manifests.secret("kind", password=value.sharp), "type": "kubernetes.io/dockerconfigjson"}
    kind["stringData"] = {".dockerconfigjson": f'{{"auths": "{value.core}'}
    large = manifests.secret("large")
    large["metadata"]["annotations"] = {"note": f"{value.sharp}-" * 10_000}
    web = manifests.deployment("web")
    (container,) = web["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "PASSWORD", "value": int(number.core)}]
    return [talked, no_base64, labelled, kind, large, web]


def _again(record: Object) -> Object:
    """Return a record as a second one of its kind."""
    place = {"namespace": record["metadata"]["namespace"], "name": "again"}
    return {name: record[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": place}


def _edit(cluster: Cluster, namespace: str, value: Planted) -> None:
    change = {"data": {"password": _encoded(value.sharp), "more": _encoded(value.sharp)}}
    cluster.patch("v1", "Secret", "credentials", namespace, change)


def _type(cluster: Cluster, namespace: str) -> str:
    """Return the type of the Secret that is replaced; there is none for a moment."""
    found = cluster.find("v1", "Secret", "typed", namespace)
    return str(found["type"]) if found else ""


def _password(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("v1", "Secret", "credentials", namespace)
    return base64.b64decode(found["data"]["password"]).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
