"""Plan how what another tool manages is handed over to Towline without anything being deleted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from towline.importing.flux import helm_releases
from towline.importing.importer import Import, Imported
from towline.importing.peer_resource import PeerResource

_ENFORCE = shlex.quote('{"spec":{"mode":"Enforce"}}')
_OURS = "gitrepositories.towline.dev"
_PLURALS = {
    "Kustomization": "kustomizations.kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helmreleases.helm.toolkit.fluxcd.io",
    "Application": "applications.argoproj.io",
    "ApplicationSet": "applicationsets.argoproj.io",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverStep:
    """What to do next, why it deletes nothing, and the commands."""

    title: str
    why: str
    commands: tuple[str, ...]


def steps(result: Import) -> tuple[HandoverStep, ...]:
    """Return the steps of the handover in order; none where nothing was imported."""
    if not result.made:
        return ()
    is_flux = any(each.of.kind in ("Kustomization", "HelmRelease") for each in result.made)
    stop = _suspend(result) if is_flux else _stop(result)
    remove = _remove_flux(result) if is_flux else _remove_argo(result)
    return (stop, _observe(), _compare(result), _enforce(result), remove)


def _suspend(result: Import) -> HandoverStep:
    return HandoverStep(
        title="Suspend there",
        why="as flux suspend does: a suspended resource writes nothing, and its objects stay when it is deleted",
        commands=tuple(_patch(of, '{"spec":{"suspend":true}}') for of in _resources(result)),
    )


def _stop(result: Import) -> HandoverStep:
    frozen = '{"spec":{"syncPolicy":{"applicationsSync":"create-only","preserveResourcesOnDeletion":true}}}'
    manual = '{"spec":{"syncPolicy":{"automated":null}}}'
    return HandoverStep(
        title="Stop automated syncs there",
        why=(
            "an Application without automated syncs writes nothing; an ApplicationSet, or an Application that declares"
            " others, comes first, because it would undo the change"
        ),
        commands=(
            *(_patch(of, frozen) for of in result.sets),
            *(_patch(of, manual) for of in _resources(result)),
        ),
    )


def _observe() -> HandoverStep:
    return HandoverStep(
        title="Observe here",
        why="under Observe nothing is written to any object; with adopt: Any the plan shows what would be taken over",
        commands=("kubectl apply -f gitrepositories.yaml",),
    )


def _compare(result: Import) -> HandoverStep:
    return HandoverStep(
        title="Compare",
        why=(
            "an object that is adopted without a field below it, but for labels, is the same on both sides, and a"
            " create means that it does not exist"
        ),
        commands=tuple(
            line
            for each in _applying(result)
            for line in (
                _sync(each),
                f'towline show "$(towline log {_placed(each)} -o name | sed -n 1p)" -n {shlex.quote(each.namespace)}',
            )
        ),
    )


def _enforce(result: Import) -> HandoverStep:
    automatic = [each for each in _applying(result) if not each.manual]
    manual = [each for each in _applying(result) if each.manual]
    later = (
        f"; leave {', '.join(each.name for each in manual)} under Observe to decide by hand" if manual else ""
    )
    return HandoverStep(
        title="Enforce here",
        why=f"the objects are adopted as they are, and keep their UIDs{later}",
        commands=tuple(
            line
            for each in (automatic or manual)
            for line in (
                f"kubectl patch {_OURS}/{_placed(each)} --type=merge -p {_ENFORCE}",
                _sync(each),
            )
        ),
    )


def _remove_flux(result: Import) -> HandoverStep:
    commands = []
    for of in _resources(result):
        if of.kind == "Kustomization":
            policy = '"deletionPolicy":"Orphan",' if of.spec.get("deletionPolicy") else ""
            commands.append(_patch(of, f'{{"spec":{{"suspend":true,{policy}"prune":false}}}}'))
        commands.append(f"kubectl delete {_resource(of)}")
    releases = [of for of in _resources(result) if of.kind == "HelmRelease"]
    commands.extend(_release_secrets(of) for of in releases)
    secrets = " Helm's release Secrets stay; the last commands list them." if releases else ""
    return HandoverStep(
        title="Remove there",
        why=(
            "only suspended resources are deleted, so Flux neither prunes nor uninstalls. First remove them from Git,"
            f" so that no other Kustomization creates them again.{secrets} Sources go when nothing names them."
        ),
        commands=tuple(commands),
    )


def _remove_argo(result: Import) -> HandoverStep:
    commands = [f"kubectl delete {_resource(of)} --cascade=orphan" for of in result.sets]
    for of in _resources(result):
        commands.append(_patch(of, '{"metadata":{"finalizers":null}}'))
        commands.append(f"kubectl delete {_resource(of)}")
    return HandoverStep(
        title="Remove there",
        why=(
            "without the finalizer resources-finalizer.argocd.argoproj.io an Application goes and its objects stay, as"
            " with argocd app delete --cascade=false; a set is deleted with --cascade=orphan, so that its Applications"
            " stay until their finalizers are gone. First remove them from Git, so that nothing creates them again."
        ),
        commands=tuple(commands),
    )


def _applying(result: Import) -> list[Imported]:
    """Return the GitRepositories that apply objects; the others hold values alone, and are suspended."""
    return [each for each in result.made if not each.body["spec"].get("suspend")]


def _resources(result: Import) -> Iterator[PeerResource]:
    """Yield the resources that were imported, each once."""
    seen = set()
    for each in result.made:
        if each.of.title not in seen:
            seen.add(each.of.title)
            yield each.of


def _release_secrets(of: PeerResource) -> str:
    namespace = str(of.spec.get("storageNamespace") or of.namespace)
    selector = f"owner=helm,name={helm_releases.release_name(of)}"
    return f"kubectl get secrets -n {shlex.quote(namespace)} -l {shlex.quote(selector)}"


def _patch(of: PeerResource, patch: str) -> str:
    return f"kubectl patch {_resource(of)} --type=merge -p {shlex.quote(patch)}"


def _resource(of: PeerResource) -> str:
    place = f" -n {shlex.quote(of.namespace)}" if of.namespace else ""
    return f"{_PLURALS[of.kind]}/{shlex.quote(of.name)}{place}"


def _sync(each: Imported) -> str:
    """Return the command that has the operator look, and waits until it says how that ends."""
    return f"towline sync {_placed(each)} --wait"


def _placed(each: Imported) -> str:
    return f"{shlex.quote(each.name)} -n {shlex.quote(each.namespace)}"
