"""What `spec.helm` may say."""

from __future__ import annotations

from typing import Any

import pytest
from towline.api.helm_spec.helm_release import Hooks, RandomValues
from towline.errors import Reason

from tests.api.test_gitrepository import refused, specify


def test_without_spec_helm_charts_have_no_values_and_their_crds_and_hooks_count() -> None:
    helm = specify().helm
    assert (helm.name, helm.namespace, helm.files, helm.values) == ("", "", (), b"")
    assert (helm.includes_crds, helm.hooks, helm.random) == (True, Hooks.MAP, RandomValues.REFUSE)
    assert not helm.is_of_one_chart


def test_what_is_given_is_kept() -> None:
    helm = specify(
        helm={
            "releaseName": "web",
            "namespace": "other",
            "valuesFiles": ["./values//prod.yaml"],
            "valuesFrom": [
                {"kind": "Secret", "name": "s"},
                {"kind": "ConfigMap", "name": "c", "targetPath": "a.b"},
            ],
            "values": {"b": None, "a": 1},
            "parameters": [
                {"name": "a.b", "value": "x,y"},
                {"name": "c", "value": "{1,2}", "forceString": True},
            ],
            "kubeVersion": "1.34",
            "apiVersions": ["example.com/v1"],
            "crds": "Skip",
            "hooks": "Refuse",
            "random": "Once",
        }
    ).helm
    assert (helm.name, helm.namespace, helm.files) == ("web", "other", ("values/prod.yaml",))
    assert [(one.name, one.key, one.target, one.optional) for one in helm.sources] == [
        ("s", "values.yaml", "", False),
        ("c", "values.yaml", "a.b", False),
    ]
    assert helm.values == b'{"a":1,"b":null}'
    assert [(one.assignment, one.force_string) for one in helm.parameters] == [
        (r"a.b=x\,y", False),
        ("c={1,2}", True),
    ]
    assert (helm.kube_version, helm.api_versions, helm.includes_crds) == ("1.34", ("example.com/v1",), False)
    assert helm.is_of_one_chart


@pytest.mark.parametrize(
    ("helm", "field"),
    [
        ({"releaseName": "Web"}, "spec.helm.releaseName"),
        ({"releaseName": "a" * 54}, "spec.helm.releaseName"),
        ({"valuesFiles": ["a.yaml"] * 21}, "spec.helm.valuesFiles"),
        ({"valuesFiles": ["/etc/passwd"]}, "spec.helm.valuesFiles[0]"),
        ({"valuesFiles": ["a/../../b"]}, "spec.helm.valuesFiles[0]"),
        ({"valuesFrom": [{"kind": "Pod", "name": "a"}]}, "spec.helm.valuesFrom[0].kind"),
        ({"valuesFrom": [{"kind": "Secret", "name": "a", "targetPath": "a[x]"}]}, "spec.helm.valuesFrom[0]"),
        ({"valuesFrom": [{"kind": "Secret"}]}, "spec.helm.valuesFrom[0]"),
        ({"valuesFrom": [{"optional": True}]}, "spec.helm.valuesFrom[0]"),
        (
            {"valuesFrom": [{"kind": "Secret", "name": "a", "gitRepository": {"name": "a", "path": "b"}}]},
            "spec.helm.valuesFrom[0]",
        ),
        (
            {"valuesFrom": [{"gitRepository": {"name": "a", "path": "../b"}}]},
            "spec.helm.valuesFrom[0].gitRepository.path",
        ),
        ({"parameters": [{"name": "a[", "value": "1"}]}, "spec.helm.parameters[0]"),
        ({"parameters": [{"value": "1"}]}, "spec.helm.parameters[0].name"),
        ({"kubeVersion": "newest"}, "spec.helm.kubeVersion"),
        ({"apiVersions": ["a,b"]}, "spec.helm.apiVersions[0]"),
        ({"hooks": "Run"}, "spec.helm.hooks"),
        ({"postRenderer": "x"}, "spec.helm.postRenderer"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_field(helm: dict[str, Any], field: str) -> None:
    error = refused(helm=helm)
    assert error.reason is Reason.INVALID_SPEC
    assert error.message.startswith(f"{field}: ")
