"""The guides work as written, each on a cluster of its own."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import trustme

from e2e.controlplane import assemble
from e2e.harness import cluster as clusters
from e2e.harness import controlplane, gitserver, pod, repositories
from e2e.harness.cluster import Cluster, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import guide_reader, manifests, other_tools
from e2e.scenes.guide_reader import Desk
from tests.source import sshserver

OBJECT = {"OBJECT": "configmap/settings", "OBJECT_NAMESPACE": "shop"}
OURS = {"NAMESPACE": "platform", "NAME": "shop"}
CHAIN = (
    "getting-started.md",
    "read-the-history.md",
    "confirm-a-prune.md",
    "adopt-a-namespace.md",
    "observe-first.md",
    "follow-a-kustomize-repository.md",
    "connect-a-private-repository.md",
    "leave-towline.md",
)
"""All guides but those below."""

ALONE = ("install.md", "move-from-flux.md", "move-from-argo-cd.md")
"""One installs the operator as a pod, of which there may be one for a cluster; the others need another tool there."""

CHARTS = ("follow-a-helm-chart.md", "take-over-a-helm-release.md")
"""Those for which the operator and the reader need Helm."""

UNTRIED = ("secrets-with-sops.md",)
"""Those for which the reader needs what is not here."""


@pytest.fixture
def with_helm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Helm on PATH, for the operator and for the reader."""
    monkeypatch.setenv("PATH", f"{assemble.helm(os.environ).parent}:{os.environ['PATH']}")


@pytest.fixture
def own_plane(binaries: Path) -> Iterator[ControlPlane]:
    """A control plane on which nobody has installed anything."""
    with controlplane.running(binaries, controlplane.BARE) as running:
        yield running


@pytest.fixture
def cluster(own_plane: ControlPlane, tmp_path: Path) -> Iterator[Cluster]:
    """The same as a cluster."""
    kubeconfig = own_plane.kubeconfig()
    kubectl = clusters.Kubectl(binary=own_plane.kubectl, kubeconfig=kubeconfig, cache=tmp_path / "kubectl")
    with clusters.connected(kubectl) as connected:
        yield connected


@pytest.fixture
def desk(cluster: Cluster, tmp_path: Path) -> Desk:
    """Where the reader sits."""
    found = guide_reader.sit(tmp_path / "desk", cluster.kubectl)
    return replace(found, flags=f"--allow-http --data-dir {found.folder}/data")


@pytest.fixture
def repo(git_server: GitServer, tmp_path: Path) -> Repo:
    """A Git repository that the reader may push to."""
    found = git_server.create(f"guide-{tmp_path.name.replace('_', '-')}")
    found.git("config", "http.receivepack", "true")
    return found


@pytest.fixture
def installed(own_plane: ControlPlane, cluster: Cluster) -> Iterator[Cluster]:
    """The same cluster with Towline on it."""
    with _operated(own_plane, cluster):
        yield cluster


@pytest.fixture
def building(own_plane: ControlPlane, cluster: Cluster) -> Iterator[Cluster]:
    """The same cluster with a Towline on it that builds kustomizations."""
    with _operated(own_plane, cluster, "--kustomize", str(own_plane.kubectl)):
        yield cluster


@contextmanager
def _operated(plane: ControlPlane, cluster: Cluster, *flags: str) -> Iterator[None]:
    cluster.kubectl("apply", "-f", str(guide_reader.ROOT / "crds"))
    cluster.kubectl.until_established("-f", str(guide_reader.ROOT / "crds"))
    for name in ("platform", "shop"):
        cluster.create(manifests.namespace(name))
    operators = Operators(plane)
    if flags:
        operators.private(*flags).start()
    else:
        operators.shared()
    try:
        yield
    finally:
        operators.stop()


@pytest.fixture
def shop(installed: Cluster, repo: Repo) -> Callable[..., Repository]:
    """The GitRepository that the guides speak of, in which two commits were applied."""

    def create(**spec: Any) -> Repository:
        repo.commit({"deploy/settings.yaml": settings("Hello")})
        app = repositories.create(installed, "platform", "shop", url=repo.url, path="deploy", **spec)
        app.until_applied(repo.sha("main"))
        app.until_applied(repo.commit({"deploy/settings.yaml": settings("Welcome")}, message="Greet warmly"))
        return app

    return create


def test_a_reader_gets_started(desk: Desk, repo: Repo) -> None:
    repo.commit({"README.md": "The shop"})
    desk.follow("getting-started.md", {"REPO": repo.url})


def test_a_reader_reads_the_history(desk: Desk, shop: Callable[..., Repository]) -> None:
    shop()
    desk.follow("read-the-history.md", {**OURS, **OBJECT})


def test_the_reference_names_a_command_that_lists_all_that_a_repository_made(
    desk: Desk, installed: Cluster, repo: Repo
) -> None:
    repo.commit({"deploy/all.yaml": manifests.text(*_of_many_kinds())})
    app = repositories.create(installed, "platform", "shop", url=repo.url, path="deploy")
    app.until_applied(repo.sha("main"))
    page = guide_reader.read("../reference/commands.md")
    (command,) = (step.commands for step in page if ".status.kinds" in step.commands)
    printed = desk.type(f"{command.rstrip()} -o name", {})
    assert sorted(printed.split()) == [
        "clusterrole.rbac.authorization.k8s.io/reader",
        "configmap/settings",
        "deployment.apps/web",
        "secret/credentials",
    ]


def test_a_reader_confirms_a_prune(
    desk: Desk, installed: Cluster, repo: Repo, shop: Callable[..., Repository]
) -> None:
    shop()
    desk.follow("confirm-a-prune.md", {**OURS, "REPO": repo.url})
    claim = installed.get("v1", "PersistentVolumeClaim", "uploads", "shop")
    assert claim["metadata"]["deletionTimestamp"]  # nothing runs here that would take its finalizer off


def test_a_reader_leaves_towline_without_losing_anything(
    desk: Desk, installed: Cluster, shop: Callable[..., Repository]
) -> None:
    shop()
    desk.follow("leave-towline.md", {**OURS, **OBJECT})
    assert installed.find("v1", "ConfigMap", "settings", "shop")


def test_a_reader_adopts_a_namespace_that_exists(desk: Desk, installed: Cluster, repo: Repo) -> None:
    installed.kubectl("get", "namespace", "platform")
    repo.commit({"README.md": "The shop"})
    desk.follow("adopt-a-namespace.md", {"NAMESPACE": "platform", "REPO": repo.url})


def test_a_reader_observes_before_enforcing(desk: Desk, installed: Cluster, repo: Repo) -> None:
    installed.kubectl("get", "namespace", "platform")
    repo.commit({"README.md": "The shop"})
    desk.follow("observe-first.md", {"NAMESPACE": "platform", "REPO": repo.url})


def test_a_reader_follows_a_kustomize_repository(desk: Desk, building: Cluster, repo: Repo) -> None:
    building.kubectl("get", "namespace", "platform")
    repo.commit({"README.md": "The shop"})
    desk.follow("follow-a-kustomize-repository.md", {"NAMESPACE": "platform", "REPO": repo.url})


@pytest.mark.parametrize("tool", ["flux", "argo-cd"])
def test_a_reader_moves_from_another_tool(tool: str, desk: Desk, installed: Cluster, repo: Repo) -> None:
    repo.commit({"apps/settings.yaml": settings("Hello")})
    with other_tools.installed(installed):
        other_tools.manage_apps(installed, tool, repo.url)
        desk.follow(f"move-from-{tool}.md", {"REPO": repo.url, "FLUX": "platform", "ARGO": "platform"})
    assert installed.find("v1", "ConfigMap", "settings", "shop")


async def test_a_reader_connects_a_private_repository(desk: Desk, installed: Cluster, tmp_path: Path) -> None:
    installed.kubectl("get", "namespace", "platform")
    async with private_servers(desk, tmp_path) as yours:
        await asyncio.to_thread(desk.follow, "connect-a-private-repository.md", yours)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
async def test_a_reader_follows_all_guides_one_after_another_in_one_shell(
    shell: str, desk: Desk, cluster: Cluster, repo: Repo, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    repo.commit({"README.md": "The shop"})
    async with private_servers(desk, tmp_path) as yours:
        values = {**yours, **OURS, **OBJECT, "REPO": repo.url}
        await asyncio.to_thread(replace(desk, shell=shell).chain, CHAIN, values)
    assert cluster.find("v1", "ConfigMap", "settings", "shop")


@pytest.mark.usefixtures("with_helm")
@pytest.mark.parametrize("page", CHARTS)
def test_a_reader_with_helm_follows_charts(page: str, desk: Desk, installed: Cluster, repo: Repo) -> None:
    installed.kubectl("get", "namespace", "platform")
    repo.commit({"README.md": "The shop"})
    desk.follow(page, {"NAMESPACE": "platform", "REPO": repo.url})


def test_every_guide_is_followed_with_the_others_or_alone() -> None:
    pages = {page.name for page in guide_reader.PAGES.glob("*.md")}
    assert pages - {*CHAIN, *ALONE, *CHARTS, *UNTRIED} == set()


def test_guides_are_typed_into_any_shell_of_any_system() -> None:
    typed = {
        line: page.name
        for page in guide_reader.PAGES.glob("*.md")
        for step in guide_reader.read(page.name)
        for line in step.commands.splitlines()
    }
    unportable = re.compile(
        r"(^|\s)#|sed (-i|--)|grep --|readlink -f|date -d|base64 -w|(?<!url:)\s\$[A-Z_]+(\s|$)"
    )
    assert {line: page for line, page in typed.items() if unportable.search(line)} == {}


@asynccontextmanager
async def private_servers(desk: Desk, folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """Serve a repository over https for a token and over ssh for a key; yield the values of the reader."""
    authority, key = trustme.CA(), asyncssh.generate_private_key("ssh-ed25519")
    (desk.folder / "token").write_text("open-sesame")
    authority.cert_pem.write_to_path(str(desk.folder / "ca.crt"))
    key.write_private_key(str(desk.folder / "deploy-key"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with gitserver.serving(folder / "git", context) as secure:
        pair = base64.b64encode(b"towline:open-sesame").decode()
        repo = secure.create("private", authorization=f"Basic {pair}")
        repo.commit({"deploy/a.yaml": config_map("a"), "ssh/b.yaml": config_map("b")})
        async with sshserver.serving(folder / "git", key) as ssh:
            yield {
                "NAMESPACE": "platform",
                "PRIVATE_REPO": repo.url,
                "TOKEN_USER": "towline",
                "TOKEN_FILE": "token",
                "CA_FILE": "ca.crt",
                "SSH_REPO": ssh.url("private.git"),
                "SSH_HOST": "127.0.0.1",
                "SSH_PORT": str(ssh.port),
                "KEY_FILE": "deploy-key",
            }


async def test_a_reader_installs_towline_by_helm_and_takes_it_away(
    binaries: Path, repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"deploy/settings.yaml": settings("Hello")})
    yours = {"REPO": repo.url, "CHART": "charts/towline", **OBJECT}
    with controlplane.running(binaries) as plane, clusters.connected(_kubectl(plane)) as cluster:
        cluster.create(manifests.namespace("shop"))
        desk = guide_reader.sit(tmp_path / "desk", cluster.kubectl)
        (desk.folder / "image.yaml").write_text(
            "{image: {repository: registry.example/towline}, allowHttp: true}"
        )
        reading = asyncio.create_task(asyncio.to_thread(desk.follow, "install.md", yours))
        deployment = await _installed(cluster, reading)
        operator = pod.play(plane, cluster, deployment, tmp_path / "pod")
        operator.start()
        try:
            await reading
        finally:
            operator.kill()


def test_what_a_page_promises_is_compared_line_by_line() -> None:
    assert guide_reader.matches("a   b\nc\n", "a b\nc\n")
    assert guide_reader.matches("a 17s b\n", "a … b\n")
    assert guide_reader.matches("a\nb\nc\n", "a\n…\n")
    assert not guide_reader.matches("a\nb\n", "a\n")
    assert not guide_reader.matches("a\n", "a\nb\n")


def _kubectl(plane: ControlPlane) -> clusters.Kubectl:
    return clusters.Kubectl(
        binary=plane.kubectl, kubeconfig=plane.kubeconfig(), cache=plane.folder / "kubectl"
    )


async def _installed(cluster: Cluster, reading: asyncio.Task[None]) -> Object:
    """Wait until the reader has installed the operator; raises what stopped them."""

    def deployment() -> Object | None:
        if reading.done():
            reading.result()
        return cluster.find("apps/v1", "Deployment", "towline", "towline-system")

    return await asyncio.to_thread(eventually, deployment, deadline=60, message="the operator's Deployment")


def _of_many_kinds() -> Iterator[Object]:
    yield manifests.config_map("settings", "shop")
    yield manifests.secret("credentials", "shop", password="open-sesame")
    yield manifests.deployment("web", "shop")
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "reader"},
        "rules": [],
    }


def settings(greeting: str) -> str:
    """The ConfigMap of the guides as a file."""
    return manifests.text(manifests.config_map("settings", "shop", greeting=greeting))


def config_map(name: str) -> str:
    """Another one."""
    return manifests.text(manifests.config_map(name, "shop"))
