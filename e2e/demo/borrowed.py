"""The cluster of KUBECONFIG: confirmed by its owner, asked for rights, and left as it was."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.controlplane import assemble, pins
from e2e.demo import clearing, rights
from e2e.demo.grounds import CRDS, Ground
from e2e.demo.narrator import Page
from e2e.demo.refusal import RefusedError
from e2e.demo.stage import TGR, Names, names
from e2e.harness import operator

_OWN = {
    "HOME",
    "USER",
    "LANG",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
}
"""Variables that credentials of a kubeconfig and the way to its server may need."""

_OWN_PREFIXES = ("AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "OCI_", "DIGITALOCEAN_")

_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The context that kubectl would use now."""

    name: str
    server: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """kubectl with the kubeconfig of the user, or with the demo's copy of it."""

    kubectl: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, stdin: str = "", seconds: float = _SECONDS) -> str:
        """Return what a command prints.

        It has a session of its own, so that Ctrl-C does not end what clears up.

        Raises:
            RefusedError: it fails, or takes longer than `seconds`.
        """
        try:
            answer = subprocess.run(
                [self.kubectl, *arguments],
                input=stdin,
                env=dict(self.environment),
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            raise RefusedError(f"kubectl {' '.join(arguments)} took more than {seconds:g} s") from error
        if answer.returncode:
            raise RefusedError(f"kubectl {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout


@contextmanager
def ground(confirmed: str, page: Page) -> Iterator[Ground]:
    """Give the cluster of KUBECONFIG, and remove all that the demo made there at the end of the block.

    `confirmed` is the name of the context where a script says it; without it a person is asked.

    Raises:
        RefusedError: nobody confirmed it, a right is missing, or Towline is in use there.
    """
    kubectl = Path(sys.prefix) / "bin" / "kubectl"
    if not kubectl.exists():
        raise assemble.MissingError(f"{kubectl} is missing; run `make setup`")
    own = {name: text for name, text in os.environ.items() if name in _OWN or name.startswith(_OWN_PREFIXES)}
    users = {**own, "PATH": os.environ["PATH"], **_kubeconfig(os.environ)}
    context = current(Asking(kubectl=kubectl, environment=users))
    chosen = names(f"-{secrets.token_hex(3)}")
    confirm(context, chosen, confirmed, page)
    with tempfile.TemporaryDirectory(prefix="towline-demo-") as folder:
        kubeconfig = _copy(Asking(kubectl=kubectl, environment=users), context, Path(folder), chosen.team)
        asking = Asking(kubectl=kubectl, environment={**users, "KUBECONFIG": str(kubeconfig)})
        rights.check(asking)
        has_crds = _unused(asking)
        made = _ground(Path(folder), kubeconfig, asking, chosen, has_crds=has_crds, own=own)
        try:
            yield made
        finally:
            clearing.clear(asking, made, page)


def current(asking: Asking) -> Context:
    """Return the context that kubectl uses; raises `RefusedError` where there is none."""
    try:
        config = json.loads(asking("config", "view", "--minify", "-o", "json"))
    except RefusedError as error:
        raise RefusedError(
            f"KUBECONFIG names no cluster ({error}): set it, or choose a context by kubectl config use-context"
        ) from error
    context = config["contexts"][0]
    clusters = {one["name"]: one["cluster"] for one in config.get("clusters") or []}
    server = clusters.get(context["context"]["cluster"], {}).get("server", "")
    return Context(name=config["current-context"], server=server, user=context["context"].get("user", ""))


def confirm(context: Context, chosen: Names, confirmed: str, page: Page) -> None:
    """Say what the demo does to the cluster, and have its context named; raises `RefusedError`."""
    page.line(
        f"The demo runs on the cluster of the context {context.name}: {context.server}, as {context.user}."
    )
    page.line(
        f"It makes the namespaces {', '.join(chosen.all)}, and the CRDs of Towline where they are absent;"
    )
    page.line(
        "an operator runs on this machine with the rights of the context. All of it is removed at the end."
    )
    if not confirmed and sys.stdin.isatty():
        sys.stdout.write("Type the name of the context to go on: ")
        sys.stdout.flush()
        confirmed = sys.stdin.readline().strip()
        if confirmed != context.name:
            raise RefusedError(f'"{confirmed}" is not the context; nothing was done')
    if not confirmed:
        raise RefusedError(
            f"nobody confirmed it; nothing was done. In a script: make demo CLUSTER=1 CONFIRM={context.name}"
        )
    if confirmed != context.name:
        raise RefusedError(
            f'the context is "{context.name}", while CONFIRM names "{confirmed}"; nothing was done'
        )


def _kubeconfig(environment: Mapping[str, str]) -> dict[str, str]:
    return {"KUBECONFIG": environment["KUBECONFIG"]} if environment.get("KUBECONFIG") else {}


def _copy(asking: Asking, context: Context, folder: Path, namespace: str) -> Path:
    """Write a kubeconfig of this context alone: a change of the user's own changes nothing for the demo."""
    chosen = ("--context", context.name, "--minify", "--flatten", "--raw", "-o", "json")
    config = json.loads(asking("config", "view", *chosen))
    config["contexts"][0]["context"]["namespace"] = namespace
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))
    return path


def _unused(asking: Asking) -> bool:
    """Return whether the CRDs are installed; raises `RefusedError` where somebody uses Towline."""
    crds = asking("get", "crds", "-o", "name", "--ignore-not-found", TGR, "syncrecords.towline.dev").split()
    labelled = ("-A", "-l", "app.kubernetes.io/name=towline")
    installed = asking("get", "deployments", *labelled, "-o", "name").split()
    used = asking("get", TGR, "-A", "-o", "name").split() if any(TGR in crd for crd in crds) else []
    if installed or used:
        raise RefusedError(
            f"Towline is in use on this cluster ({len(installed)} installations, {len(used)} GitRepositories), "
            "and two operators would work on the same objects: take another cluster, or `make demo` without CLUSTER"
        )
    if len(crds) == 1:
        raise RefusedError(f"{crds[0]} is installed without its other half: apply {CRDS}, or delete it")
    return bool(crds)


def _ground(
    folder: Path,
    kubeconfig: Path,
    asking: Asking,
    chosen: Names,
    *,
    has_crds: bool,
    own: Mapping[str, str],
) -> Ground:
    helm = assemble.found(pins.helm(pins.read()), os.environ)
    flags = ["--kustomize", str(asking.kubectl), *(["--helm", str(helm)] if helm else [])]
    process = operator.make(folder / "operator", kubeconfig, *flags, environment=own)
    return Ground(
        folder=folder,
        kubeconfig=kubeconfig,
        kubectl=asking.kubectl,
        names=chosen,
        operator=process,
        has_crds=has_crds,
        runs_pods=False,
        helm=helm,
        home=own,
        check=process.program.check,
    )
