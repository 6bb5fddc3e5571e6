"""The guides work as written, pasted into bash one after another, and into zsh each alone."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
import trustme

from e2e.controlplane import assemble
from e2e.harness import cluster as clusters
from e2e.harness import controlplane, gitserver, pod, repositories, shells
from e2e.harness.cluster import Cluster, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests, other_tools
from e2e.scenes.guides import guide_reader, terminal
from e2e.scenes.guides.guide_reader import Desk
from tests.source import sshserver

OBJECT = {"OBJECT": "configmap/settings", "OBJECT_NAMESPACE": "shop"}
OURS = {"NAMESPACE": "platform", "NAME": "shop"}
ANYWHERE = (
    "adopt-a-namespace.md",
    "observe-first.md",
    "follow-a-kustomize-repository.md",
    "follow-a-helm-chart.md",
    "take-over-a-helm-release.md",
    "secrets-with-sops.md",
)
"""Guides that need a Git repository, and a namespace for what they make."""

CHAIN = (
    "getting-started.md",
    "read-the-history.md",
    "confirm-a-prune.md",
    *ANYWHERE,
    "connect-a-private-repository.md",
    "leave-towline.md",
)
"""All guides but those below."""

ALONE = ("install.md", "move-from-flux.md", "move-from-argo-cd.md")
"""One installs the operator as a pod, of which there may be one for a cluster; the others need another tool there.

They cost most, so each is followed in one shell; all others in both.
"""

REPLACED = re.compile(
    r"kubectl (events|logs)\b|kubectl (get|describe|wait) .*\b(tgr|gitrepositor|syncrec|events)"
    r"|annotate .* towline\.dev/(?!hosts)"
)
"""What reads and does by kubectl what a command of Towline reads and does."""

TEMPLATE = re.compile(r"""(?:jsonpath|template|custom-columns)=('[^']*'|"[^"]*"|\S+)""")

AGE_KEYGEN = """\
#!{python}
import sys, pathlib, pyrage
_, option, file = sys.argv
if option == "-o":
    pathlib.Path(file).write_text(str(pyrage.x25519.Identity.generate()))
else:
    print(pyrage.x25519.Identity.from_str(pathlib.Path(file).read_text()).to_public())
"""
"""What `age-keygen` does, for machines that have none."""


@pytest.fixture(scope="module")
def other_shell() -> str:
    """The shell that reads a guide alone: zsh; bash where zsh is not to be had, which a test below says."""
    try:
        shells.found("zsh")
    except shells.NoShellError:
        return "bash"
    return "zsh"


@pytest.fixture
def bare(binaries: Path, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of one's own in which nobody has installed anything."""
    with controlplane.running(binaries, controlplane.BARE) as plane, connected(plane, tmp_path) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with Towline, and two namespaces: for guides that make nothing which another one makes."""
    folder = tmp_path_factory.mktemp("installed")
    with controlplane.running(binaries, controlplane.BARE) as plane, connected(plane, folder) as cluster:
        cluster.kubectl("apply", "-f", str(guide_reader.ROOT / "crds"))
        cluster.kubectl.until_established("-f", str(guide_reader.ROOT / "crds"))
        for name in ("platform", "shop"):
            cluster.create(manifests.namespace(name))
        operators = Operators(plane)
        helm = assemble.helm(os.environ)
        operators.private("--kustomize", str(plane.kubectl), "--helm", str(helm)).start()
        try:
            yield cluster
        finally:
            operators.stop()


@pytest.fixture
def installed(cluster: Cluster) -> Iterator[Cluster]:
    """The same, left behind as it was found."""
    yield cluster
    cluster.kubectl("delete", repositories.RESOURCE, "--all", "-n", "platform", "--timeout=60s")
    cluster.kubectl("delete", "configmap", "settings", "-n", "shop", "--ignore-not-found")


@pytest.fixture
def desk(installed: Cluster, tmp_path: Path, other_shell: str) -> Desk:
    """Where the reader of one guide sits, with all that guides want a reader to have."""
    return replace(guide_reader.set_up(newcomer(installed, tmp_path)), shell=other_shell)


@pytest.fixture
def repo(git_server: GitServer, tmp_path: Path) -> Repo:
    """A Git repository that the reader may push to."""
    found = git_server.create(f"guide-{tmp_path.name.replace('_', '-')}")
    found.git("config", "http.receivepack", "true")
    found.commit({"README.md": "The shop"})
    return found


@pytest.fixture
def shop(installed: Cluster, repo: Repo) -> Repository:
    """The GitRepository that the guides speak of, in which two commits were applied."""
    repo.commit({"deploy/settings.yaml": settings("Hello")})
    app = repositories.create(installed, "platform", "shop", url=repo.url, path="deploy")
    app.until_applied(repo.sha("main"))
    app.until_applied(repo.commit({"deploy/settings.yaml": settings("Welcome")}, message="Greet warmly"))
    return app


async def test_a_reader_follows_all_guides_one_after_another(
    bare: Cluster, repo: Repo, tmp_path: Path
) -> None:
    desk = newcomer(bare, tmp_path)
    async with private_servers(desk, tmp_path) as yours:
        values = {**yours, **OURS, **OBJECT, "REPO": repo.url}
        await asyncio.to_thread(desk.chain, CHAIN, values)
    assert bare.find("v1", "ConfigMap", "settings", "shop")


def test_a_reader_gets_started_and_leaves_without_losing_anything(
    bare: Cluster, repo: Repo, tmp_path: Path, other_shell: str
) -> None:
    desk = replace(newcomer(bare, tmp_path), shell=other_shell)
    desk.chain(["getting-started.md", "leave-towline.md"], {**OURS, **OBJECT, "REPO": repo.url})
    assert bare.find("v1", "ConfigMap", "settings", "shop")


@pytest.mark.usefixtures("shop")
def test_a_reader_reads_the_history(desk: Desk) -> None:
    desk.follow("read-the-history.md", {**OURS, **OBJECT})


@pytest.mark.usefixtures("shop")
def test_a_reader_confirms_a_prune(desk: Desk, installed: Cluster, repo: Repo) -> None:
    desk.follow("confirm-a-prune.md", {**OURS, "REPO": repo.url})
    claim = installed.get("v1", "PersistentVolumeClaim", "uploads", "shop")
    assert claim["metadata"]["deletionTimestamp"]  # nothing runs here that would take its finalizer off
    installed.kubectl(
        "patch", "pvc/uploads", "-n", "shop", "--type=merge", "-p", '{"metadata": {"finalizers": null}}'
    )


@pytest.mark.parametrize("page", ANYWHERE)
def test_a_reader_begins_with_any_guide(page: str, desk: Desk, repo: Repo) -> None:
    desk.follow(page, {"NAMESPACE": "platform", "REPO": repo.url})


@pytest.mark.parametrize(("tool", "shell"), [("flux", "bash"), ("argo-cd", "zsh")])
def test_a_reader_moves_from_another_tool(
    tool: str, shell: str, desk: Desk, installed: Cluster, repo: Repo
) -> None:
    shells.wanted(shell)
    repo.commit({"apps/settings.yaml": settings("Hello")})
    yours = {"REPO": repo.url, "FLUX": "platform", "ARGO": "platform"}
    with other_tools.installed(installed):
        other_tools.manage_apps(installed, tool, repo.url)
        replace(desk, shell=shell).follow(f"move-from-{tool}.md", yours)
    assert installed.find("v1", "ConfigMap", "settings", "shop")


async def test_a_reader_connects_a_private_repository(desk: Desk, tmp_path: Path) -> None:
    async with private_servers(desk, tmp_path) as yours:
        await asyncio.to_thread(desk.follow, "connect-a-private-repository.md", yours)


def test_the_reference_names_a_command_that_lists_all_that_a_repository_made(
    desk: Desk, installed: Cluster, repo: Repo
) -> None:
    repo.commit({"deploy/all.yaml": manifests.text(*_of_many_kinds())})
    app = repositories.create(installed, "platform", "shop", url=repo.url, path="deploy")
    app.until_applied(repo.sha("main"))
    page = guide_reader.read("../reference/commands.md")
    (command,) = (step.commands for step in page if ".status.kinds" in step.commands)
    printed = desk.paste(f"{command.rstrip()} -o name", {})
    assert sorted(printed.split()) == [
        "clusterrole.rbac.authorization.k8s.io/reader",
        "configmap/settings",
        "deployment.apps/web",
        "secret/credentials",
    ]


def test_every_guide_is_followed_with_the_others_or_alone() -> None:
    assert {page.name for page in guide_reader.PAGES.glob("*.md")} == {*CHAIN, *ALONE}


def test_guides_are_typed_into_any_shell_of_any_system() -> None:
    unportable = re.compile(
        r"(^|\s)#|sed (-i|--)|grep --|readlink -f|date -d|base64 -w|(?<!:)\s\$[A-Z_]+(\s|$)"
    )
    assert {line: page for line, page in typed() if unportable.search(line)} == {}


def test_guides_ask_towline_what_towline_can_tell() -> None:
    assert {line: page for line, page in typed() if REPLACED.search(line)} == {}


def test_no_guide_has_its_reader_type_a_long_template() -> None:
    blocks = [(page.name, step.commands) for page in pages() for step in guide_reader.read(page.name)]
    templates = [(page, found) for page, text in blocks for found in TEMPLATE.findall(text)]
    assert [(page, each) for page, each in templates if len(each) > 60] == []


def test_guides_say_what_they_need_and_what_stays() -> None:
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages()}
    parts = ("You need", "\n## What stays\n")
    assert {name: [part for part in parts if part not in text] for name, text in texts.items()} == {
        name: [] for name in texts
    }


def test_a_reader_is_told_which_values_are_theirs() -> None:
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages()}
    before = {name: re.findall(r"([^\n]*)\n\n```sh yours\n", text) for name, text in texts.items()}
    assert {
        name: lines for name, lines in before.items() if not all("dit th" in line for line in lines)
    } == {}


def test_zsh_reads_a_pasted_text_as_at_a_terminal(tmp_path: Path) -> None:
    shells.wanted("zsh")
    assert terminal.paste("echo one\necho two", "zsh", tmp_path, {}).printed == "one\ntwo\n"
    assert "command not found: #" in terminal.paste("# a comment", "zsh", tmp_path, {}).errors
    assert "no matches found" in terminal.paste("echo a[1]", "zsh", tmp_path, {}).errors


def pages() -> Iterator[Path]:
    """Yield the files of all guides."""
    yield from sorted(guide_reader.PAGES.glob("*.md"))


def typed() -> Iterator[tuple[str, str]]:
    """Yield each line that guides tell a reader to type, with the name of its page."""
    for page in pages():
        for step in guide_reader.read(page.name):
            for line in step.commands.replace("\\\n", " ").splitlines():
                yield line, page.name


def newcomer(cluster: Cluster, folder: Path) -> Desk:
    """Sit down with a checkout, helm, sops and age-keygen, before the first guide."""
    found = guide_reader.sit(folder / "desk", cluster.kubectl)
    tools = found.folder / "tools"
    tools.mkdir()
    (tools / "helm").symlink_to(assemble.helm(os.environ))
    keygen = tools / "age-keygen"
    keygen.write_text(AGE_KEYGEN.format(python=sys.executable))
    keygen.chmod(keygen.stat().st_mode | stat.S_IXUSR)
    path = f"{tools}{os.pathsep}{found.environment['PATH']}"
    return replace(
        found,
        environment={**found.environment, "PATH": path},
        flags=f"--allow-http --data-dir {found.folder}/data",
    )


def connected(plane: ControlPlane, folder: Path) -> AbstractContextManager[Cluster]:
    """Reach a control plane as its administrator."""
    kubectl = clusters.Kubectl(binary=plane.kubectl, kubeconfig=plane.kubeconfig(), cache=folder / "kubectl")
    return clusters.connected(kubectl)


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
    binaries: Path, repo: Repo, tmp_path: Path, other_shell: str
) -> None:
    repo.commit({"deploy/settings.yaml": settings("Hello")})
    yours = {"REPO": repo.url, "CHART": "charts/towline", **OBJECT}
    with controlplane.running(binaries) as plane, connected(plane, tmp_path) as cluster:
        cluster.create(manifests.namespace("shop"))
        desk = replace(guide_reader.set_up(newcomer(cluster, tmp_path)), shell=other_shell)
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
