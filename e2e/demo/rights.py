"""What the demo must be allowed on somebody's cluster, asked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from e2e.demo.refusal import RefusedError

NEEDED: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType(
    {
        ("apiextensions.k8s.io", "customresourcedefinitions"): ("get", "list", "create", "delete"),
        ("", "namespaces"): ("get", "list", "watch", "create", "patch", "delete"),
        ("apps", "deployments"): ("get", "list", "watch", "create", "patch", "delete"),
        ("apps", "statefulsets"): ("get", "list", "watch", "create", "patch", "delete"),
        ("", "services"): ("get", "list", "watch", "create", "patch", "delete"),
        ("", "configmaps"): ("get", "list", "watch", "create", "patch", "delete"),
        ("", "secrets"): ("get", "list", "watch", "create", "patch", "delete"),
        ("", "events"): ("get", "create", "patch"),
        ("", "pods"): ("list",),
        ("", "resourcequotas"): ("list",),
        ("apiregistration.k8s.io", "apiservices"): ("list",),
        ("towline.dev", "gitrepositories"): ("get", "list", "watch", "create", "patch", "delete"),
        ("towline.dev", "gitrepositories/status"): ("patch",),
        ("towline.dev", "syncrecords"): ("get", "list", "create", "delete"),
        ("towline.dev", "syncrecords/status"): ("patch",),
    }
)
"""By group and resource, in all namespaces: what the demo's commands do, and its operator with the same rights."""

_ANSWER = (
    "{.status.allowed} {.spec.resourceAttributes.verb} {.spec.resourceAttributes.resource}"
    "/{.spec.resourceAttributes.subresource} {.spec.resourceAttributes.group}"
)


def check(kubectl: Callable[..., str]) -> None:
    """Ask the API server for all rights at once; raises `RefusedError` that names every one that is missing."""
    wanted = "\n---\n".join(json.dumps(review) for review in _reviews())
    answers = kubectl(
        "create", "--validate=false", "-f", "-", "-o", f'jsonpath={_ANSWER}{{"\\n"}}', stdin=wanted
    ).splitlines()
    if missing := missing_in(answers):
        raise RefusedError(f"the context may not do what the demo needs; missing: {'; '.join(missing)}")


def missing_in(answers: Sequence[str]) -> list[str]:
    """Return the rights that were not granted, one text for each resource."""
    refused: dict[str, list[str]] = {}
    for line in answers:
        allowed, verb, resource, *group = line.split()
        if allowed != "true":
            name = ".".join((resource.rstrip("/"), *group))
            refused.setdefault(name, []).append(verb)
    return [f"{', '.join(verbs)} {name}" for name, verbs in refused.items()]


def _reviews() -> Iterator[Mapping[str, Any]]:
    for (group, resource), verbs in NEEDED.items():
        name, _, below = resource.partition("/")
        for verb in verbs:
            yield {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "metadata": {},
                "spec": {
                    "resourceAttributes": {
                        "group": group,
                        "resource": name,
                        "subresource": below,
                        "verb": verb,
                    }
                },
            }
