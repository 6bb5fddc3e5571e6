"""Commands read what their user may read, name what is missing, and serve kubectl and the shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from click.testing import CliRunner, Result
from towline.__main__ import main

from e2e.harness.cluster import Kubectl
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

READABLE = f"{RESOURCE},syncrecords.towline.dev,configmaps"
PROGRAM = ("env", "--default-signal=INT", sys.executable, "-m", "towline")
"""A shell starts what it runs in the background so that SIGINT is ignored, and its children inherit that."""


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)


def within(kubeconfig: Path, namespace: str, folder: Path) -> Path:
    """Return a copy of a kubeconfig whose context has a namespace."""
    config = json.loads(kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    copy = folder / kubeconfig.name
    copy.write_text(json.dumps(config))
    return copy


@contextmanager
def following(environment: Mapping[str, str], *arguments: str) -> Iterator[tuple[IO[str], Callable[[], int]]]:
    """Start a command that does not end; yield what it prints, and what ends it as Ctrl-C does."""
    with subprocess.Popen(
        [*PROGRAM, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:

        def interrupt() -> int:
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=30)
            assert told == ""
            return process.returncode

        try:
            assert process.stdout
            yield process.stdout, interrupt
        finally:
            process.kill()


def test_who_may_read_one_namespace_gets_that_and_is_told_what_is_missing(
    operator: Operator,
    kubectl: Kubectl,
    plane: ControlPlane,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    tmp_path: Path,
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(sha)
    name = repository.name

    def towline(*arguments: str, user: str = "alice") -> Result:
        kubeconfig = within(plane.kubeconfig(user), namespace, tmp_path)
        return CliRunner().invoke(main, arguments, env={"KUBECONFIG": str(kubeconfig)})

    refused = towline("get")
    assert refused.exit_code == 2
    assert f"you may not list {RESOURCE} in namespace {namespace}" in refused.stderr
    kubectl("create", "role", "reader", "-n", namespace, "--verb=get,list,watch", f"--resource={READABLE}")
    kubectl("create", "rolebinding", "reader", "-n", namespace, "--role=reader", "--user=alice")
    may = ("auth", "can-i", "list", "configmaps", "-n", namespace, "--as", "alice", "--quiet")
    eventually(lambda: kubectl(*may) == "", message="the right to list")
    everywhere = towline("get", "-A", "-o", "json")
    assert everywhere.exit_code == 2, "the answer is not whole"
    assert [each["name"] for each in json.loads(everywhere.stdout)] == [name]
    assert f"you may not list {RESOURCE} in all namespaces" in everywhere.stderr
    tree = towline("tree", name)
    assert (tree.exit_code, "settings" in tree.stdout, sha[:7] in tree.stdout) == (2, True, True)
    assert f"you may not list configmaps in all namespaces: these are those in {namespace}" in tree.stderr
    impersonated = towline("tree", name, "--as", "alice", user="admin")
    assert (impersonated.stderr, impersonated.exit_code) == (tree.stderr, 2)
    assert towline("tree", name, user="admin").exit_code == 0
    waited = towline("wait", name, "--commit", sha, "--for", "healthy")
    assert (waited.exit_code, waited.stdout) == (0, f"{sha[:7]} is healthy\n")


def test_kubectl_and_the_shell_know_the_commands_and_a_change_is_followed(
    operator: Operator,
    kubectl: Kubectl,
    plane: ControlPlane,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    tmp_path: Path,
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(sha)
    name = repository.name
    scripts = {"towline": "main", "kubectl-towline": "main", "kubectl_complete-towline": "complete"}
    for script, entry in scripts.items():
        (tmp_path / script).write_text(
            f"#!{sys.executable}\nfrom towline.__main__ import {entry}\n{entry}()\n"
        )
        (tmp_path / script).chmod(0o755)
    environment = {
        **kubectl.environment(),
        "KUBECONFIG": str(within(plane.kubeconfig(), namespace, tmp_path)),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    }
    by_kubectl = run(environment, str(kubectl.binary), "towline", "get", "-o", "name")
    assert (by_kubectl.stdout, by_kubectl.returncode) == (f"gitrepository.towline.dev/{name}\n", 0)
    for words, found in (("towline tree ", name), ("towline logs configmap/", "configmap/settings")):
        typed = {
            "_TOWLINE_COMPLETE": "bash_complete",
            "TOWLINE_COMPLETION_SECONDS": "60",
            "COMP_WORDS": words,
            "COMP_CWORD": "2",
        }
        completed = run({**environment, **typed}, str(tmp_path / "towline"))
        assert f"plain,{found}" in completed.stdout.split(), completed
    patient = {**environment, "TOWLINE_COMPLETION_SECONDS": "60"}
    asked = run(patient, str(kubectl.binary), "__complete", "towline", "tree", "")
    assert asked.stdout.splitlines()[:1] == [name], asked
    with following(environment, "get", name, "-w") as (printed, interrupt):
        assert printed.readline().startswith("NAME")
        assert sha[:7] in printed.readline()
        second = repo.commit(manifests.config_maps(["settings", "more"]))
        assert any(second[:7] in line for line in iter(printed.readline, ""))
        assert interrupt() == 130
