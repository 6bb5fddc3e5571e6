"""Turn a Kustomization of Flux into a GitRepository."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from towline.importing import field_targets, homes, own_kustomization, remote_bases
from towline.importing.draft import Draft, drafted
from towline.importing.field_targets import PatternError
from towline.importing.flux import flux_sources
from towline.importing.flux.flux_rules import RULES
from towline.importing.flux.flux_sources import Resources
from towline.importing.homes import Homes, RepositoryTree
from towline.importing.peer_resource import PeerResource

_OVERLAY = (
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "annotations",
    "images",
    "patches",
    "components",
)


def convert(of: PeerResource, found: Resources, known: Homes) -> Draft:
    """Return the GitRepository that follows what a Kustomization of Flux follows.

    Args:
        of: the Kustomization.
        found: all resources that were read.
        known: the repositories that are at hand.
    """
    return drafted(of, lambda draft: _fill(draft, found, known))


def _fill(draft: Draft, found: Resources, known: Homes) -> None:
    flux_sources.check(draft)
    spec = draft.of.spec
    _source(draft, found, known)
    tree = known.tree(str(draft.spec.get("url", "")))
    if homes.tell_absent(draft, tree, str(draft.spec["path"]), "spec", "path"):
        tree = None
    draft.put("prune", None if spec.get("prune") is True else False)
    _deletion(draft, spec)
    draft.put("force", spec.get("force") or None)
    if spec.get("force"):
        draft.different(
            "a Namespace, CRD, PersistentVolume or claim is never deleted for it", "spec", "force"
        )
    flux_sources.duration(draft, "healthTimeout", spec.get("timeout"), ("spec", "timeout"), ("1s", "24h"))
    _overlay(draft, tree)
    remote_bases.pin(draft, tree, str(draft.spec["path"]), ("spec", "path"))
    _substitute(draft)
    _decryption(draft)
    depends(draft, spec)
    draft.put("healthChecks", spec.get("healthCheckExprs"))
    ignore(draft, spec.get("ignore") or (), "spec", "ignore")
    draft.tell(RULES["Kustomization"])


def _source(draft: Draft, found: Resources, known: Homes) -> None:
    spec = draft.of.spec
    reference = spec.get("sourceRef") or {}
    source = found.named(reference, draft.of)
    path = homes.clean(str(spec.get("path") or "."))
    if source and source.kind == "GitRepository":
        draft.put("path", path)
        flux_sources.follow(draft, source, path, known)
    elif known.given:
        draft.put("url", known.given.url)
        draft.put("path", path if known.given.path == "." else known.given.path)
        draft.assumed(
            f"what {reference.get('kind')} {reference.get('name')} holds is taken to be there",
            "spec",
            "sourceRef",
        )
    else:
        raise flux_sources.no_source(draft, reference, "spec", "sourceRef")


def _deletion(draft: Draft, spec: Mapping[str, Any]) -> None:
    policy = spec.get("deletionPolicy") or "MirrorPrune"
    if policy == "Orphan":
        draft.put("deletionPolicy", "Orphan")
    elif policy in ("Delete", "WaitForTermination"):
        draft.put("deletionPolicy", "Delete")
    elif spec.get("prune") is True:
        message = (
            "deleting the GitRepository leaves what existed before it: set spec.deletionPolicy to Delete once all is"
            " handed over, where it should delete everything, as Flux does"
        )
        draft.different(message, "spec", "prune")


def _overlay(draft: Draft, tree: RepositoryTree | None) -> None:
    spec = draft.of.spec
    meta = spec.get("commonMetadata") or {}
    given = {
        "namespace": spec.get("targetNamespace"),
        "namePrefix": spec.get("namePrefix"),
        "nameSuffix": spec.get("nameSuffix"),
        "labels": meta.get("labels"),
        "annotations": meta.get("annotations"),
        "images": spec.get("images"),
        "patches": spec.get("patches"),
        "components": _components(draft, tree),
    }
    path = str(draft.spec.get("path", "."))
    plain = tree is not None and not homes.kustomization(tree, path)
    if given["namespace"]:
        draft.put("defaultNamespace", given["namespace"])
    asked = {name: value for name, value in given.items() if value}
    if plain and set(asked) - {"namespace"}:
        message = (
            f"spec.kustomize does not apply to plain files, and {path} has no kustomization: commit a"
            " kustomization.yaml there that names its files"
        )
        draft.lost(message, "spec", "path")
    elif plain and asked:
        message = (
            "objects that name another namespace keep it, because the files are plain: correct them, or commit a"
            " kustomization.yaml"
        )
        draft.different(message, "spec", "targetNamespace")
    elif asked and tree is None:
        draft.assumed(
            f"{path} has a kustomization.yaml: spec.kustomize does not apply to plain files", "spec", "path"
        )
    if not plain or set(asked) - {"namespace"}:
        for name in _OVERLAY:
            draft.put(f"kustomize.{name}", asked.get(name))
        own_kustomization.tell_doubles(draft, tree, path, ("spec",))


def _components(draft: Draft, tree: RepositoryTree | None) -> list[str]:
    spec = draft.of.spec
    found = [str(each) for each in spec.get("components") or ()]
    if not spec.get("ignoreMissingComponents"):
        return found
    if tree is None:
        message = "every component has to exist: name those that do not with --clone at hand, or remove them"
        if found:
            draft.lost(message, "spec", "ignoreMissingComponents")
        return found
    here = str(draft.spec.get("path", "."))
    return [
        each for each in found if homes.kustomization(tree, posixpath.normpath(posixpath.join(here, each)))
    ]


def _substitute(draft: Draft) -> None:
    given = draft.of.spec.get("postBuild") or {}
    variables, sources = given.get("substitute") or {}, given.get("substituteFrom") or []
    always = given.get("substituteStrategy") == "Always"
    if not (variables or sources or always):
        return
    draft.put("substitute", {"strict": True})
    draft.put("substitute.variables", {name: str(value) for name, value in variables.items()})
    kept = [{key: each[key] for key in ("kind", "name", "optional") if key in each} for each in sources]
    draft.put("substitute.from", kept)
    if not always:
        message = "variables are filled in even where none is set, as with substituteStrategy: Always"
        if sources and not variables:
            draft.different(message, "spec", "postBuild")
    message = (
        "strict, as Flux is since kustomize-controller 1.9; before, a variable that is not set was empty: set"
        " spec.substitute.strict to false for that"
    )
    draft.assumed(message, "spec", "postBuild")


def _decryption(draft: Draft) -> None:
    given = draft.of.spec.get("decryption") or {}
    if not given:
        return
    name = (given.get("secretRef") or {}).get("name")
    if not name:
        message = "keys that the operator's environment has are not used: name a Secret with the keys"
        draft.lost(message, "spec", "decryption")
        return
    draft.put("decryption", {"provider": given.get("provider", "sops"), "secretRef": {"name": name}})
    draft.different(
        f"keys of the Secret {name} other than those of age (.agekey) take the sops binary, and a token of Vault takes "
        "the key sops.vault-address",
        "spec",
        "decryption",
        "secretRef",
    )


def depends(draft: Draft, spec: Mapping[str, Any]) -> None:
    """Put what a resource depends on into a draft, as far as it is in the same namespace."""
    kept = []
    for number, each in enumerate(spec.get("dependsOn") or ()):
        namespace = each.get("namespace") or draft.of.namespace
        if namespace == draft.of.namespace:
            kept.append({"name": each.get("name")})
        else:
            title = f"{namespace}/{each.get('name')}"
            message = f"{title} is in another namespace, and spec.dependsOn names none: import both into one"
            draft.lost(message, "spec", "dependsOn", number)
    draft.put("dependsOn", kept)


def ignore(draft: Draft, rules: Sequence[Mapping[str, Any]], *path: str | int) -> None:
    """Put the fields that are left alone into a draft, as far as their targets are not patterns."""
    kept = list(draft.spec.get("ignoreFields") or ())
    for number, rule in enumerate(rules):
        target = rule.get("target") or {}
        if not target:
            draft.lost("a rule has to say which objects it means: name at least their kind", *path, number)
            continue
        try:
            selector = field_targets.of_selector(target)
        except PatternError as error:
            draft.lost(
                f"spec.ignoreFields has no patterns ({error}): write a rule for each object", *path, number
            )
            continue
        pointers = [str(each) for each in rule.get("paths") or ()]
        wrong = field_targets.refused(pointers)
        for pointer, reason in wrong.items():
            draft.lost(f"{pointer or 'an empty path'} {reason}", *path, number)
        if left := [each for each in pointers if each not in wrong]:
            kept.append({"target": selector, "fields": left})
    draft.put("ignoreFields", kept)
