"""A folder with a Chart.yaml is rendered by Helm, with values from Git, the spec and the cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest

from e2e.controlplane import assemble
from e2e.harness import repositories
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import ALICE, BOB, Content, Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import fake_kubelet, manifests

GitRepositories = Callable[..., Repository]

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data: {{- toYaml .Values.settings | nindent 2 }}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  {{- if .Values.wide }}
  - port: {{ .Values.wide }}
  {{- else }}
  - port: {{ .Values.port }}
  {{- end }}
"""
JOB = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: before
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
"""


def chart(**settings: str) -> dict[str, Content]:
    """Return a chart with a hook, and a plain file next to it."""
    return {
        "deploy/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nhome: https://example.com/never-shown\n",
        "deploy/web/values.yaml": manifests.text({"settings": {"colour": "grey", "size": "1"}}),
        "deploy/web/templates/settings.yaml": SETTINGS,
        "deploy/web/templates/before.yaml": JOB,
        "values/prod.yaml": manifests.text({"settings": settings}),
        "deploy/plain.yaml": manifests.text(manifests.config_map("plain")),
    }


def built(operator: Operator) -> int:
    return sum(line.get("event") == "unit built" for line in operator.log())


@pytest.fixture
def with_helm(private_operator: Callable[..., Operator]) -> Operator:
    """An operator that renders charts."""
    operator = private_operator("--helm", str(assemble.helm(os.environ)))
    operator.start()
    return operator


def test_a_chart_is_applied_and_rendered_again_only_when_its_files_change(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str, with_helm: Operator
) -> None:
    first = repo.commit(chart(colour="red"))
    app = git_repository(path="deploy", helm={"releaseName": "shop", "valuesFiles": ["values/prod.yaml"]})
    assert app.until_ready(first)["objects"]["declared"] == 3
    live = cluster.get("v1", "ConfigMap", "shop-settings", namespace)
    assert live["data"] == {"colour": "red", "size": "1"}
    assert live["metadata"]["annotations"]["towline.dev/source"] == "deploy/web/templates/settings.yaml"
    hook = cluster.get("v1", "ConfigMap", "before", namespace)["metadata"]["annotations"]
    assert hook["towline.dev/wave"] == "-1"
    assert built(with_helm) == 1

    app.until_ready(repo.commit({"deploy/plain.yaml": manifests.text(manifests.config_map("plain", a="b"))}))
    assert built(with_helm) == 1

    app.until_ready(repo.commit(chart(colour="blue")))
    assert cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["colour"] == "blue"
    assert built(with_helm) == 2

    app.change(drift="Report")
    cluster.patch("v1", "ConfigMap", "shop-settings", namespace, {"data": {"colour": "green"}})
    (row,) = app.until(lambda status: status.get("driftTotal"), "the drift")["drift"]
    assert (row["field"], row["want"], row["have"]) == ("/data/colour", "blue", "green")
    assert (row["file"], row["line"]) == ("values/prod.yaml", 2)
    app.change(drift="Repair")
    app.until(lambda status: not status.get("driftTotal"), "the repair")

    wide = manifests.text({"settings": {"colour": "blue"}}) + "port: 70000\nwide: 70000\n"
    repo.commit({"deploy/web/templates/service.yaml": SERVICE, "values/prod.yaml": wide})
    failures = app.until_reason("ApplyFailed")["failures"]
    places = {each["message"].partition(":")[0]: (each["file"], each["line"]) for each in failures}
    assert places["spec.ports[0].port"] == ("values/prod.yaml", 4)

    repo.commit(
        {"deploy/web/templates/settings.yaml": SETTINGS + 'more: {{ required "no" .Values.absent }}\n'}
    )
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("deploy/web/templates/settings.yaml", 5)
    assert "example.com" not in str(app.status())
    app.change(render="Helm")
    app.until_reason("PathNotFound")
    assert "deploy has no Chart.yaml, as spec.render wants" in app.condition()["message"]
    assert cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["colour"] == "blue"


def test_a_change_of_an_object_that_holds_values_is_applied_and_its_secrets_are_shown_nowhere(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str, with_helm: Operator
) -> None:
    def given(colour: str) -> Mapping[str, str]:
        return {"values.yaml": manifests.text({"settings": {"colour": colour}})}

    def live() -> object:
        return cluster.get("v1", "ConfigMap", "app-settings", namespace)["data"]

    cluster.create(manifests.config_map("given", namespace, **given("red")))
    cluster.create(manifests.secret("password", namespace, word="hunter2hunter2"))
    sources = [
        {"kind": "ConfigMap", "name": "given"},
        {"kind": "Secret", "name": "password", "valuesKey": "word", "targetPath": "settings.word"},
        {"kind": "Secret", "name": "absent", "optional": True},
    ]
    sha = repo.commit(chart())
    app = git_repository(path="deploy", interval="1s", helm={"releaseName": "app", "valuesFrom": sources})
    app.until_ready(sha)
    assert live() == {"colour": "red", "size": "1", "word": "hunter2hunter2"}

    cluster.patch("v1", "ConfigMap", "given", namespace, {"data": given("blue")})
    cluster.patch("v1", "Secret", "password", namespace, {"stringData": {"word": "dragon5dragon5"}})
    wanted = {"colour": "blue", "size": "1", "word": "dragon5dragon5"}
    eventually(lambda: live() == wanted, deadline=30, message="the new values")
    app.until_ready(sha)
    changes = [each for record in app.until_closed() for each in record["spec"]["changes"]]
    fields = {field["path"]: field for each in changes for field in each.get("fields") or ()}
    assert (fields["/data/colour"]["old"], fields["/data/colour"]["new"]) == ("red", "blue")
    assert fields["/data/word"]["old"].startswith("***")
    told = f"{app.read()} {changes} {list(with_helm.log())}"
    assert [word for word in ("hunter2", "dragon5") if word in told] == []


def test_a_random_value_is_set_once_and_then_left_alone(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str, with_helm: Operator
) -> None:
    files = chart(colour="red")
    files["deploy/web/templates/login.yaml"] = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\ndata: {word: {{ randAlphaNum 20 | b64enc }}}\n"
    )
    first = repo.commit(files)
    app = git_repository(path="deploy", helm={"random": "Once"})
    app.until_ready(first)
    login = cluster.get("v1", "Secret", "login", namespace)
    for colour in ("green", "blue"):
        app.until_ready(
            repo.commit({"deploy/web/values.yaml": manifests.text({"settings": {"colour": colour}})})
        )
    assert built(with_helm) == 3
    again = cluster.get("v1", "Secret", "login", namespace)
    assert again["metadata"]["resourceVersion"] == login["metadata"]["resourceVersion"]


MIGRATE = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: main, image: "migrate:{{ .Values.settings.size }}"}
"""


@pytest.mark.usefixtures("unplayed")
def test_a_hook_runs_before_the_rest_and_again_when_it_differs(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str, with_helm: Operator
) -> None:
    def image() -> str:
        pod = fake_kubelet.pod_of(cluster, namespace, "job-name=migrate")
        return str(pod["spec"]["containers"][0]["image"])

    def completes(wanted: str) -> None:
        eventually(lambda: image() == wanted, deadline=60, message=f"a Pod of {wanted}")
        fake_kubelet.completes(cluster, fake_kubelet.pod_of(cluster, namespace, "job-name=migrate"))

    first = repo.commit({**chart(size="1"), "deploy/web/templates/migrate.yaml": MIGRATE})
    app = git_repository(path="deploy", helm={"releaseName": "shop", "valuesFiles": ["values/prod.yaml"]})
    app.until_reason("Progressing")
    assert not cluster.find("v1", "ConfigMap", "shop-settings", namespace)
    completes("migrate:1")
    app.until_ready(first, deadline=60)

    second = repo.commit(chart(size="2"))
    completes("migrate:2")
    app.until_ready(second, deadline=60)
    assert cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["size"] == "2"

    third = repo.commit(chart(size="2", colour="blue"))
    app.until_ready(third)
    assert image() == "migrate:2"


def test_values_of_another_repository_are_applied_with_both_commits_in_status_and_record(
    repo: Repo,
    git_server: GitServer,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
    with_helm: Operator,
) -> None:
    other = git_server.create(f"{namespace}-values")
    settings = {"prod/values.yaml": manifests.text({"settings": {"colour": "red"}})}
    first = other.commit(settings)
    repositories.create(cluster, namespace, "values", url=other.url, suspend=True)
    sha = repo.commit(chart())
    source = {"gitRepository": {"name": "values", "path": "prod/values.yaml"}}
    app = git_repository(path="deploy", helm={"releaseName": "shop", "valuesFrom": [source]})

    def seen(commit: str) -> list[Object]:
        return [{"name": "values", "url": other.url, "ref": "refs/heads/main", "commit": commit}]

    status = app.until_ready(sha)
    assert status["sources"] == seen(first)
    assert cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["colour"] == "red"

    second = other.commit({"prod/values.yaml": manifests.text({"settings": {"colour": "blue"}})})
    app.until(lambda status: status.get("sources") == seen(second), "the new values")
    eventually(
        lambda: cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["colour"] == "blue",
        deadline=30,
        message="the new values",
    )
    assert [record["spec"]["sources"] for record in app.until_closed()] == [seen(first), seen(second)]
    assert built(with_helm) == 2

    third = other.commit({"README.md": "news"})
    app.until(lambda status: status.get("sources") == seen(third), "the newest commit")
    assert built(with_helm) == 2

    other.commit({"prod/values.yaml": None})
    app.until_reason("AuthConfigInvalid")
    assert "GitRepository" in app.condition()["message"]
    assert "has no prod/values.yaml in its commit" in app.condition()["message"]


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: main
        image: "nginx:{{ .Values.tag }}"
"""


def web(**given: object) -> dict[str, Content]:
    """Return a chart with a Deployment, and values for it."""
    return {
        **chart(colour="red"),
        "deploy/web/templates/web.yaml": WEB,
        "values/prod.yaml": manifests.text({"replicas": 0, "tag": "1", **given}),
    }


@pytest.mark.usefixtures("with_helm")
def test_a_wrong_value_is_named_with_its_line_and_its_author(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str
) -> None:
    def stamped(kind: str, version: str, name: str) -> str:
        notes = cluster.get(version, kind, name, namespace)["metadata"]["annotations"]
        return str(notes["towline.dev/commit"])

    values: Content = "replicas: -2\ntag: '1'\n"
    first = repo.commit({**web(), "values/prod.yaml": values}, author=BOB, message="Fewer than none")
    app = git_repository(
        path="deploy", drift="Report", helm={"releaseName": "shop", "valuesFiles": ["values/prod.yaml"]}
    )
    (failure,) = app.until_reason("ApplyFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("values/prod.yaml", 1)
    message = app.condition()["message"]
    assert message.startswith(f'{first[:7]} "Fewer than none" by {BOB.name} not applied: values/prod.yaml:1 ')

    app.change(suspend=True)
    app.until_reason("Suspended", kind="Suspended")
    bobs = repo.commit({"values/prod.yaml": "# none\nreplicas: 0\ntag: '1'\n"}, author=BOB)
    alices = repo.commit(
        {"deploy/web/values.yaml": manifests.text({"settings": {"size": "2"}})}, author=ALICE
    )
    last = repo.commit({"README.md": "words"})
    app.change(suspend=None)
    app.until_applied(last)
    assert (stamped("Deployment", "apps/v1", "web"), stamped("ConfigMap", "v1", "shop-settings")) == (
        bobs,
        alices,
    )

    cluster.patch("apps/v1", "Deployment", "web", namespace, {"spec": {"replicas": 3}})
    (row,) = app.until(lambda status: status.get("drift"), "drift")["drift"]
    assert (row["field"], row["file"], row["line"]) == ("/spec/replicas", "values/prod.yaml", 2)
