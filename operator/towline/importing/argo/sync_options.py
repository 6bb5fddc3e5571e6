"""Carry over how an Application is synced: `syncPolicy` and `ignoreDifferences`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.importing import field_targets
from towline.importing.draft import Draft

_DONE: Mapping[str, str] = {
    "ApplyOutOfSyncOnly=true": "only what differs is ever written",
    "ServerSideApply=true": "objects are always written by server-side apply",
    "ClientSideApplyMigration=true": "fields of kubectl and Argo CD are taken over when an object is adopted",
    "PruneLast=true": "prunes always come last",
    "PrunePropagationPolicy=background": "objects are pruned in the background",
    "RespectIgnoreDifferences=true": "fields in spec.ignoreFields are left to others in every sync",
    "FailOnSharedResource=true": "an object of another GitRepository is never taken over",
    "SkipDryRunOnMissingResource=true": "what needs a kind of the same commit is tried when the kind is there",
    "Validate=true": "objects are always validated",
    "CreateNamespace=false": "namespaces are never created by the way",
    "Prune=true": "see spec.prune",
    "Replace=false": "objects are always applied",
}
"""Options that say what Towline does anyway."""

_LOST: Mapping[str, str] = {
    "CreateNamespace": "namespaces are not created by the way: declare the Namespace in Git",
    "Replace": "objects are applied, never replaced: see spec.force for immutable fields",
    "Force": "see spec.force, which recreates an object only if its immutable fields change",
    "Validate": "objects are always validated by the API server",
    "PrunePropagationPolicy": "objects are pruned in the background",
    "Prune": "see spec.prune, and status.blocked for what waits for a confirmation",
    "Delete": "see spec.deletionPolicy: what holds data, and what was adopted, stays",
    "ServerSideApply": "objects are always written by server-side apply",
    "ClientSideApplyMigration": "fields of kubectl and Argo CD are always taken over when an object is adopted",
    "ClientSideApplyMigrationManager": "fields of known tools are taken over when an object is adopted",
}
"""Options, whatever their value, that Towline does otherwise."""


def carry(draft: Draft, spec: Mapping[str, Any]) -> None:
    """Put into a draft what the sync policy and the ignored differences of an Application say."""
    policy = spec.get("syncPolicy") or {}
    automated = policy.get("automated")
    _mode(draft, automated)
    options = [str(each) for each in policy.get("syncOptions") or ()]
    for number, option in enumerate(options):
        _option(draft, option, number)
    _ignore(draft, spec.get("ignoreDifferences") or (), respected="RespectIgnoreDifferences=true" in options)


def is_manual(spec: Mapping[str, Any]) -> bool:
    """Whether an Application waits for a person before each sync."""
    automated = (spec.get("syncPolicy") or {}).get("automated")
    return automated is None or automated.get("enabled") is False


def _mode(draft: Draft, automated: Mapping[str, Any] | None) -> None:
    path = ("spec", "syncPolicy", "automated")
    draft.put("prune", None if (automated or {}).get("prune") else False)
    if automated is None or automated.get("enabled") is False:
        message = "there each sync waits for a person; here nothing is written under Observe, each commit under Enforce"
        draft.different(message, "spec", "syncPolicy")
    if not (automated or {}).get("selfHeal"):
        draft.put("drift", "Report")
    if not (automated or {}).get("prune"):
        message = "what leaves Git is released and stays, as it stays without automated.prune: see spec.prune"
        draft.different(message, *(path if automated else path[:2]))
    if (automated or {}).get("allowEmpty"):
        message = "a commit that declares nothing waits for a confirmation: see towline.dev/confirm-prune"
        draft.lost(message, *path, "allowEmpty")


def _option(draft: Draft, option: str, number: int) -> None:
    path = ("spec", "syncPolicy", "syncOptions", number)
    name = option.partition("=")[0]
    if option == "Delete=false":
        draft.put("deletionPolicy", "Orphan")
    elif option == "Prune=false":
        draft.put("prune", value=False)
    elif done := _DONE.get(option):
        draft.different(f"{option}: {done}", *path)
    elif lost := _LOST.get(name):
        draft.lost(f"{option}: {lost}", *path)
    else:
        draft.lost(
            f"{option}: this version of Towline does not know the option {name}: see whether it matters",
            *path,
        )


def _ignore(draft: Draft, rules: Any, *, respected: bool) -> None:
    kept = []
    for number, rule in enumerate(rules):
        path = ("spec", "ignoreDifferences", number)
        target = _target(draft, rule, number)
        pointers = [str(each) for each in rule.get("jsonPointers") or ()]
        for at, expression in enumerate(rule.get("jqPathExpressions") or ()):
            if pointer := field_targets.of_jq(str(expression)):
                pointers.append(pointer)
            else:
                message = f"{expression} is more than a path: write it as a JSON pointer"
                draft.lost(message, *path, "jqPathExpressions", at)
        if rule.get("managedFieldsManagers"):
            message = (
                "fields are named, not their managers; a field that Git does not declare is never touched"
            )
            draft.lost(message, *path, "managedFieldsManagers")
        wrong = field_targets.refused(pointers)
        for pointer, reason in wrong.items():
            draft.lost(f"{pointer or 'an empty pointer'} {reason}", *path)
        fields = [each for each in pointers if each not in wrong]
        if fields and target:
            kept.append({"target": target, "fields": fields})
    draft.put("ignoreFields", kept)
    if kept and not respected:
        message = "the fields are left to others in every sync, too, as with RespectIgnoreDifferences=true"
        draft.different(message, "spec", "ignoreDifferences")


def _target(draft: Draft, rule: Mapping[str, Any], number: int) -> dict[str, str]:
    """Return the target of a rule: a `*` means every value, and a group that is not named the core group."""
    found = {}
    for name in ("group", "kind", "name", "namespace"):
        value = str(rule.get(name) or "")
        if value == "*" or (not value and name != "group"):
            continue
        if any(char in value for char in "*?[{"):
            message = f"spec.ignoreFields has no patterns ({name}: {value}): write a rule for each object"
            draft.lost(message, "spec", "ignoreDifferences", number, name)
            return {}
        found[name] = value
    if not found:
        draft.lost(
            "a rule has to say which objects it means: name at least their kind",
            "spec",
            "ignoreDifferences",
            number,
        )
    return found
