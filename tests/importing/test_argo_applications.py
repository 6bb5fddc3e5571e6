"""An Application of Argo CD becomes GitRepositories that follow the same."""

from __future__ import annotations

from typing import Any

import pytest
from towline.importing.argo import applications
from towline.importing.draft import Draft
from towline.importing.homes import Home, Homes

from tests.importing.peers import FLEET, clone, message, resources, told

HERE = Homes()
KUSTOMIZED = clone({"apps/web/kustomization.yaml": "", "apps/tls/kustomization.yaml": ""})
CHART = clone(
    {"apps/web/Chart.yaml": "", "apps/web/values-prod.yaml": "", "env/a.yaml": "", "env/b.yaml": ""}
)
PLAIN = clone({"apps/web/a.yaml": "", "apps/web/more/b.yaml": ""})


def made(spec: str, known: Homes = HERE) -> list[tuple[str, Draft]]:
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: default
  destination: {{server: 'https://kubernetes.default.svc', namespace: shop}}
{spec}
"""
    (found,) = resources(text)
    return list(applications.convert(found, known))


def application(source: str = "", more: str = "", known: Homes = KUSTOMIZED) -> Draft:
    """Convert an Application of one source, which is in line 7, and what else its spec has from line 8 on."""
    given = f"  source: {{repoURL: {FLEET}, path: apps/web{source}}}\n{more}"
    ((_, draft),) = made(given, known)
    return draft


def spec_of(draft: Draft, *names: str) -> dict[str, Any]:
    return {name: draft.spec[name] for name in names if name in draft.spec}


def test_what_is_followed_is_the_same() -> None:
    assert application().spec == {
        "url": FLEET,
        "path": "apps/web",
        "render": "Kustomize",
        "defaultNamespace": "shop",
        "prune": False,
        "drift": "Report",
    }


@pytest.mark.parametrize(
    ("revision", "ref"),
    [
        ("HEAD", None),
        ("main", {"branch": "main"}),
        ("release-1", {"branch": "release-1"}),
        ("v1.2.3", {"tag": "v1.2.3"}),
        ("nightly", {"tag": "nightly"}),
        ("1.x", {"semver": "1.x"}),
        (">=1.0.0", {"semver": ">=1.0.0"}),
        ("refs/pull/1/head", {"name": "refs/pull/1/head"}),
        ("a" * 40, {"commit": "a" * 40}),
    ],
)
def test_a_revision_is_what_the_clone_says_or_what_it_looks_like(revision: str, ref: Any) -> None:
    known = clone({"apps/web/kustomization.yaml": ""}, tags=frozenset({"nightly"}))
    assert application(f", targetRevision: '{revision}'", known=known).spec.get("ref") == ref


def test_part_of_a_commit_id_is_refused() -> None:
    draft = application(", targetRevision: 4f2a91c")
    assert (draft.spec, told(draft)) == ({}, ["7 spec.source.targetRevision: not imported"])


def test_an_address_without_a_scheme_gets_one_and_its_key_is_named() -> None:
    known = clone({"apps/web/kustomization.yaml": ""}, "https://git.example.com/acme/fleet.git")
    ((_, draft),) = made("  source: {repoURL: 'git@git.example.com:acme/fleet.git', path: apps/web}", known)
    assert draft.spec["url"] == "ssh://git@git.example.com/acme/fleet.git"
    assert draft.spec["render"] == "Kustomize"
    assert "spec.secretRef" in message(draft, "spec.source.repoURL")


def test_credentials_in_an_address_are_taken_out_and_named() -> None:
    ((_, draft),) = made("  source: {repoURL: 'https://me:hunter2@git.example.com/a', path: x}")
    assert draft.spec["url"] == "https://git.example.com/a"
    assert "hunter2" not in str(draft.notes)


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("automated: {prune: true, selfHeal: true}", {}),
        ("automated: {}", {"prune": False, "drift": "Report"}),
        ("automated: {prune: true, selfHeal: true, enabled: false}", {}),
        ("retry: {limit: 5}", {"prune": False, "drift": "Report"}),
        (
            "syncOptions: [Delete=false], automated: {prune: true, selfHeal: true}",
            {"deletionPolicy": "Orphan"},
        ),
    ],
)
def test_the_sync_policy_says_what_is_pruned_and_repaired(given: str, becomes: dict[str, Any]) -> None:
    draft = application(more=f"  syncPolicy: {{{given}}}")
    assert spec_of(draft, "prune", "drift", "deletionPolicy") == becomes


def test_sync_options_are_done_anyway_or_named() -> None:
    options = "[ServerSideApply=true, CreateNamespace=true, Replace=true, Brandnew=1]"
    draft = application(
        more=f"  syncPolicy:\n    automated: {{prune: true, selfHeal: true}}\n    syncOptions: {options}"
    )
    assert told(draft) == [
        "10 spec.syncPolicy.syncOptions[0]: different",
        "10 spec.syncPolicy.syncOptions[1]: not carried over",
        "10 spec.syncPolicy.syncOptions[2]: not carried over",
        "10 spec.syncPolicy.syncOptions[3]: not carried over",
    ]


def test_ignored_differences_are_fields_that_are_left_to_others() -> None:
    more = """\
  ignoreDifferences:
    - {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}
    - {group: '*', kind: '*', name: web, jqPathExpressions: ['.spec.template.metadata.annotations["a/b"]']}
    - {kind: Service, namespace: shop, jqPathExpressions: ['.spec.ports[] | select(.name == "a")']}
    - {group: apps, kind: Deployment, managedFieldsManagers: [hpa]}
    - {kind: 'Config*', jsonPointers: [/data]}
"""
    draft = application(more=more)
    assert draft.spec["ignoreFields"] == [
        {"target": {"group": "apps", "kind": "Deployment"}, "fields": ["/spec/replicas"]},
        {"target": {"name": "web"}, "fields": ["/spec/template/metadata/annotations/a~1b"]},
    ]
    assert [line for line in told(draft) if "ignoreDifferences" in line] == [
        "8 spec.ignoreDifferences: different",
        "11 spec.ignoreDifferences[2].jqPathExpressions[0]: not carried over",
        "12 spec.ignoreDifferences[3].managedFieldsManagers: not carried over",
        "13 spec.ignoreDifferences[4].kind: not carried over",
    ]


def test_the_overlay_is_carried_over() -> None:
    source = """\
, kustomize: {namePrefix: a-, nameSuffix: -z, namespace: shop, replicas: [{name: web, count: '3'}],
    images: ['nginx=registry.example/nginx:1.27', 'redis:7'], patches: [{patch: p, target: {kind: Deployment}}],
    components: [../tls, ../gone], ignoreMissingComponents: true, commonAnnotations: {note: hello},
    commonLabels: {app: $ARGOCD_APP_NAME}, labelWithoutSelector: true}"""
    assert application(source).spec["kustomize"] == {
        "namePrefix": "a-",
        "nameSuffix": "-z",
        "namespace": "shop",
        "images": [
            {"name": "nginx", "newName": "registry.example/nginx", "newTag": "1.27"},
            {"name": "redis", "newTag": "7"},
        ],
        "replicas": [{"name": "web", "count": 3}],
        "patches": [{"patch": "p", "target": {"kind": "Deployment"}}],
        "components": ["../tls"],
        "labels": {"app": "web"},
        "annotations": {"note": "hello"},
    }


def test_labels_of_selectors_are_named() -> None:
    draft = application(", kustomize: {commonLabels: {app: web}}")
    assert "selectors" in message(draft, "spec.source.kustomize.commonLabels")


def test_values_are_carried_over_in_argo_cds_order() -> None:
    source = """\
, helm: {releaseName: other, valueFiles: [values-prod.yaml, /env/*.yaml, ../../env/b.yaml, gone.yaml],
    ignoreMissingValueFiles: true, values: 'a: 1', skipCrds: true, kubeVersion: 1.35.0, apiVersions: [x/v1],
    parameters: [{name: b, value: '2'}, {name: c, value: '3', forceString: true}]}"""
    draft = application(source, known=CHART)
    assert draft.spec["render"] == "Helm"
    assert draft.spec["helm"] == {
        "releaseName": "other",
        "namespace": "shop",
        "valuesFiles": ["apps/web/values-prod.yaml", "env/a.yaml", "env/b.yaml"],
        "values": {"a": 1},
        "parameters": [{"name": "b", "value": "2"}, {"name": "c", "value": "3", "forceString": True}],
        "kubeVersion": "1.35.0",
        "apiVersions": ["x/v1"],
        "crds": "Skip",
    }


def test_a_values_object_takes_the_place_of_values() -> None:
    draft = application(", helm: {values: 'a: 1', valuesObject: {b: 2}}", known=CHART)
    assert draft.spec["helm"]["values"] == {"b": 2}
    assert "does not count" in message(draft, "spec.source.helm.values")


def test_values_that_are_not_yaml_are_refused_with_their_line() -> None:
    draft = application(", helm: {values: 'a: ['}", known=CHART)
    assert (draft.spec, told(draft)) == ({}, ["7 spec.source.helm.values: not imported"])


def test_values_from_elsewhere_and_unknown_globs_are_named() -> None:
    draft = application(
        ", helm: {valueFiles: ['https://example.com/a.yaml', '*.yaml', ../../../x.yaml]}", known=HERE
    )
    assert [line for line in told(draft) if "valueFiles" in line] == [
        f"7 spec.source.helm.valueFiles[{number}]: not carried over" for number in range(3)
    ]


def test_a_chart_from_elsewhere_with_values_in_git_is_at_home_there() -> None:
    spec = f"""\
  sources:
    - {{repoURL: https://charts.example.com, chart: podinfo, targetRevision: 6.5.0,
       helm: {{valueFiles: [$values/env/prod/web.yaml], releaseName: podinfo}}}}
    - {{repoURL: {FLEET}, ref: values, targetRevision: main}}
"""
    ((name, draft),) = made(spec, clone({"env/prod/web.yaml": ""}))
    assert name == "web"
    assert spec_of(draft, "url", "ref", "path", "remote", "helm") == {
        "url": FLEET,
        "ref": {"branch": "main"},
        "path": "env/prod",
        "remote": "Pinned",
        "helm": {
            "chart": {"repo": "https://charts.example.com", "name": "podinfo", "version": "6.5.0"},
            "releaseName": "podinfo",
            "namespace": "shop",
            "valuesFiles": ["env/prod/web.yaml"],
        },
    }


def test_a_chart_of_a_registry_is_at_home_where_the_application_is() -> None:
    spec = "  source: {repoURL: registry.example.com/charts, chart: podinfo, targetRevision: 6.5.0}"
    known = Homes(of_files={"apps.yaml": Home(url=FLEET, path="argo")})
    ((_, draft),) = made(spec, known)
    assert draft.spec["helm"]["chart"]["repo"] == "oci://registry.example.com/charts"
    assert (draft.spec["url"], draft.spec["path"]) == (FLEET, "argo")


def test_each_source_becomes_a_git_repository() -> None:
    spec = f"""\
  sources:
    - {{repoURL: {FLEET}, path: apps/web}}
    - {{repoURL: {FLEET}, path: apps/tls, name: tls}}
    - {{repoURL: {FLEET}, path: apps/tls}}
"""
    found = made(spec, KUSTOMIZED)
    assert [(name, draft.spec["path"]) for name, draft in found] == [
        ("web", "apps/web"),
        ("web-tls", "apps/tls"),
        ("web-3", "apps/tls"),
    ]


@pytest.mark.parametrize(
    ("directory", "exclude"),
    [
        ("", ["/*/"]),
        (", directory: {recurse: true}", None),
        (", directory: {include: '*.yaml'}", ["/*/", "*", "!/*.yaml"]),
        (", directory: {exclude: '{a,b}.yaml'}", ["/*/", "/a.yaml", "/b.yaml"]),
        (", directory: {recurse: true, exclude: 'test/*'}", ["/test/**"]),
        (", directory: {recurse: true, include: '*.yaml'}", ["*", "!*/", "!*.yaml"]),
    ],
)
def test_of_plain_files_those_are_read_that_argo_cd_reads(directory: str, exclude: list[str] | None) -> None:
    draft = application(directory, known=PLAIN)
    assert draft.spec.get("exclude") == exclude
    assert "render" not in draft.spec


def test_a_glob_without_an_equal_and_jsonnet_are_named() -> None:
    known = clone({"apps/web/a.jsonnet": "", "apps/web/x/kustomization.yaml": ""})
    draft = application(", directory: {recurse: true, exclude: 'a*b.yaml'}", known=known)
    messages = [note.message for note in draft.notes if note.field.startswith("spec.source.")]
    assert [text.partition(":")[0] for text in messages] == [
        "a*b.yaml",
        "a.jsonnet is Jsonnet, which is not rendered",
        "x/kustomization.yaml makes its folder a unit",
    ]


def test_a_hydrated_application_follows_the_branch_that_is_applied() -> None:
    spec = f"""\
  sourceHydrator:
    drySource: {{repoURL: {FLEET}, path: dry, targetRevision: main}}
    syncSource: {{targetBranch: env/prod, path: web}}
"""
    ((_, draft),) = made(spec, clone({"web/a.yaml": ""}, branches=frozenset({"env/prod"})))
    assert spec_of(draft, "url", "path", "ref") == {
        "url": FLEET,
        "path": "web",
        "ref": {"branch": "env/prod"},
    }


@pytest.mark.parametrize(
    ("spec", "line", "field"),
    [
        (f"  source: {{repoURL: {FLEET}, path: a, plugin: {{name: x}}}}", 7, "spec.source.plugin"),
        ("  source: {repoURL: 'oci://registry.example.com/manifests', path: .}", 7, "spec.source.repoURL"),
        (
            "  source: {repoURL: 'https://charts.example.com', chart: a, targetRevision: '*'}",
            7,
            "spec.source.targetRevision",
        ),
        ("  sources: {repoURL: a}", 7, "spec.sources"),
        (
            f"  source: {{repoURL: {FLEET}, path: a, kustomize: {{images: a}}}}",
            7,
            "spec.source.kustomize.images",
        ),
        ("  revisionHistoryLimit: 3", 4, "spec"),
    ],
)
def test_what_is_refused_is_not_imported_and_says_where(spec: str, line: int, field: str) -> None:
    ((_, draft),) = made(spec)
    assert draft.spec == {}
    assert f"{line} {field}: not imported" in told(draft)


def test_another_cluster_is_refused() -> None:
    (found,) = resources(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec:\n"
        f"  destination: {{name: prod}}\n  source: {{repoURL: {FLEET}, path: a}}\n"
    )
    ((_, draft),) = applications.convert(found, HERE)
    assert (draft.spec, told(draft)) == ({}, ["5 spec.destination: not imported"])


def test_a_variable_of_a_commit_is_named_without_the_value_around_it() -> None:
    parameters = "[{name: a, value: 'hunter2-$ARGOCD_APP_REVISION'}]"
    draft = application(f", helm: {{parameters: {parameters}}}", known=CHART)
    sentence = message(draft, "spec.source.helm.parameters[0].value")
    assert sentence.startswith("$ARGOCD_APP_REVISION changes with each commit")
    assert "hunter2" not in sentence


def test_values_of_another_repository_are_those_of_a_git_repository_that_applies_nothing() -> None:
    spec = f"""\
  sources:
    - {{repoURL: {FLEET}, path: apps/web, helm: {{valueFiles: [$config/prod.yaml, values-prod.yaml, $old/a.yaml]}}}}
    - {{repoURL: 'https://git.example.com/acme/config', ref: config, targetRevision: main}}
    - {{repoURL: {FLEET}, ref: old, targetRevision: refs/tags/v1}}
"""
    found = dict(made(spec, CHART))
    assert list(found) == ["web", "web-config", "web-old"]
    helm = found["web"].spec["helm"]
    assert helm["valuesFiles"] == ["apps/web/values-prod.yaml"]
    assert helm["valuesFrom"] == [
        {"gitRepository": {"name": "web-config", "path": "prod.yaml"}},
        {"gitRepository": {"name": "web-old", "path": "a.yaml"}},
    ]
    assert found["web-config"].spec == {
        "url": "https://git.example.com/acme/config",
        "ref": {"branch": "main"},
        "suspend": True,
    }
    assert found["web-old"].spec["ref"] == {"name": "refs/tags/v1"}
    assert "whatever their order" in message(found["web"], "spec.sources[0].helm.valueFiles")
