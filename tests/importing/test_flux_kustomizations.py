"""A Kustomization of Flux becomes a GitRepository that follows the same."""

from __future__ import annotations

from typing import Any

import pytest
from towline.importing.draft import Draft
from towline.importing.flux import kustomizations
from towline.importing.flux.flux_sources import Resources
from towline.importing.homes import Home, Homes

from tests.importing.peers import FLEET, clone, message, resources, told

SOURCE = f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: fleet, namespace: apps}}
spec:
  interval: 5m
  url: {FLEET}
  ref: {{branch: main}}
"""


def kustomization(spec: str = "", source: str = SOURCE, known: Homes | None = None) -> Draft:
    """Convert a Kustomization, whose spec goes on in line 8 of its own document, with its source."""
    text = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: web, namespace: apps}}
spec:
  prune: true
  path: ./apps/web
  sourceRef: {{kind: GitRepository, name: fleet}}
{spec}
---
{source}"""
    found = resources(text)
    return kustomizations.convert(found[0], Resources(found), known or Homes())


def spec_of(draft: Draft, *names: str) -> dict[str, Any]:
    return {name: draft.spec[name] for name in names if name in draft.spec}


def test_what_is_followed_is_the_same() -> None:
    assert kustomization().spec == {
        "path": "apps/web",
        "url": FLEET,
        "ref": {"branch": "main"},
        "interval": "5m",
    }


@pytest.mark.parametrize(
    ("ref", "followed"),
    [
        ("{branch: dev}", {"branch": "dev"}),
        ("{tag: v1.2.0, branch: dev}", {"tag": "v1.2.0"}),
        ("{semver: '>=1.0.0, <2.0.0', tag: v1}", {"semver": ">=1.0.0 <2.0.0"}),
        ("{name: refs/pull/3/head, semver: 1.x}", {"name": "refs/pull/3/head"}),
        (f"{{commit: {'a' * 40}, branch: dev}}", {"commit": "a" * 40, "branch": "dev"}),
        ("{}", {"branch": "master"}),
    ],
)
def test_of_several_refs_the_one_is_followed_that_flux_follows(ref: str, followed: dict[str, str]) -> None:
    assert kustomization(source=SOURCE.replace("{branch: main}", ref)).spec["ref"] == followed


def test_durations_beyond_what_is_possible_are_cut_and_told() -> None:
    draft = kustomization(source=SOURCE.replace("interval: 5m", "interval: 500ms\n  timeout: 2h"))
    assert spec_of(draft, "interval", "timeout") == {"interval": "1s", "timeout": "1h"}
    assert [line for line in told(draft) if "prune" not in line] == [
        "14 spec.interval: different",
        "15 spec.timeout: different",
    ]


def test_the_secret_is_named_and_must_be_copied_where_the_source_is_elsewhere() -> None:
    secret = "  secretRef: {name: git}\n"
    assert kustomization(source=SOURCE + secret).spec["secretRef"] == {"name": "git"}
    found = resources(
        f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: web, namespace: team}}
spec: {{sourceRef: {{kind: GitRepository, name: fleet, namespace: apps}}}}
---
{SOURCE}{secret}"""
    )
    draft = kustomizations.convert(found[0], Resources(found), Homes())
    assert "copy it to team" in message(draft, "spec.secretRef")


def test_patterns_from_the_root_become_patterns_below_the_path() -> None:
    lines = ("# all but the applications", "/*", "!/apps", "*.md", "/apps/web/test/", "/infra/x")
    ignore = "\n    ".join(("  ignore: |", *lines))
    assert kustomization(source=SOURCE + ignore).spec["exclude"] == ["*.md", "/test/"]


def test_patterns_that_leave_out_the_path_itself_are_named() -> None:
    draft = kustomization(source=SOURCE + "  ignore: /apps\n")
    assert "exclude" not in draft.spec
    assert "spec.exclude" in message(draft, "spec.ignore")


def test_the_sourceignore_of_a_clone_counts() -> None:
    known = clone({".sourceignore": "/apps/web/draft.yaml\n", "apps/web/kustomization.yaml": ""})
    assert kustomization(known=known).spec["exclude"] == ["/draft.yaml"]


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("", {}),
        ("  deletionPolicy: Orphan", {"deletionPolicy": "Orphan"}),
        ("  deletionPolicy: Delete", {"deletionPolicy": "Delete"}),
        ("  deletionPolicy: WaitForTermination", {"deletionPolicy": "Delete"}),
        ("  force: true", {"force": True}),
        ("  timeout: 3m", {"healthTimeout": "3m"}),
        ("  wait: false", {}),
    ],
)
def test_how_objects_are_applied_and_deleted_is_carried_over(given: str, becomes: dict[str, Any]) -> None:
    fields = ("prune", "deletionPolicy", "force", "healthTimeout")
    assert spec_of(kustomization(given), *fields) == becomes


def test_without_prune_nothing_is_pruned() -> None:
    found = resources(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web, namespace: apps}\n"
        f"spec: {{sourceRef: {{kind: GitRepository, name: fleet}}, prune: false}}\n---\n{SOURCE}"
    )
    assert kustomizations.convert(found[0], Resources(found), Homes()).spec["prune"] is False


OVERLAY = """\
  targetNamespace: shop
  namePrefix: a-
  nameSuffix: -z
  commonMetadata: {labels: {team: web}, annotations: {note: hello}}
  images: [{name: nginx, newName: registry.example/nginx, newTag: '1.27'}]
  patches: [{patch: '[{op: remove, path: /spec/replicas}]', target: {kind: Deployment}}]
  components: [../components/tls]
"""


def test_the_overlay_is_carried_over() -> None:
    draft = kustomization(OVERLAY)
    assert draft.spec["defaultNamespace"] == "shop"
    assert draft.spec["kustomize"] == {
        "namespace": "shop",
        "namePrefix": "a-",
        "nameSuffix": "-z",
        "labels": {"team": "web"},
        "annotations": {"note": "hello"},
        "images": [{"name": "nginx", "newName": "registry.example/nginx", "newTag": "1.27"}],
        "patches": [{"patch": "[{op: remove, path: /spec/replicas}]", "target": {"kind": "Deployment"}}],
        "components": ["../components/tls"],
    }
    assert "6 spec.path: assumed" in told(draft)


def test_an_overlay_over_plain_files_needs_a_kustomization() -> None:
    draft = kustomization("  namePrefix: a-", known=clone({"apps/web/a.yaml": ""}))
    assert "apps/web has no kustomization" in message(draft, "spec.path")


def test_a_namespace_for_plain_files_is_that_of_objects_that_name_none() -> None:
    draft = kustomization("  targetNamespace: shop", known=clone({"apps/web/a.yaml": ""}))
    assert spec_of(draft, "kustomize", "defaultNamespace") == {"defaultNamespace": "shop"}
    assert "8 spec.targetNamespace: different" in told(draft)


def test_components_that_may_be_missing_are_those_of_the_clone() -> None:
    given = "  components: [../tls, ../gone]\n  ignoreMissingComponents: true"
    known = clone({"apps/web/kustomization.yaml": "", "apps/tls/kustomization.yaml": ""})
    assert kustomization(given, known=known).spec["kustomize"]["components"] == ["../tls"]
    assert "9 spec.ignoreMissingComponents: not carried over" in told(kustomization(given))


def test_variables_are_filled_in_by_the_same_rules() -> None:
    given = """\
  postBuild:
    substitute: {DOMAIN: shop.example, COUNT: 3}
    substituteFrom: [{kind: ConfigMap, name: vars}, {kind: Secret, name: more, optional: true}]
"""
    assert kustomization(given).spec["substitute"] == {
        "strict": True,
        "variables": {"DOMAIN": "shop.example", "COUNT": "3"},
        "from": [
            {"kind": "ConfigMap", "name": "vars"},
            {"kind": "Secret", "name": "more", "optional": True},
        ],
    }
    assert "substitute" not in kustomization("  postBuild: {}").spec


def test_decryption_names_its_secret() -> None:
    draft = kustomization("  decryption: {provider: sops, secretRef: {name: age}}")
    assert draft.spec["decryption"] == {"provider": "sops", "secretRef": {"name": "age"}}
    assert "environment" in message(kustomization("  decryption: {provider: sops}"), "spec.decryption")


def test_dependencies_in_other_namespaces_are_named() -> None:
    draft = kustomization("  dependsOn: [{name: infra}, {name: db, namespace: data}]")
    assert draft.spec["dependsOn"] == [{"name": "infra"}]
    assert "data/db" in message(draft, "spec.dependsOn[1]")


def test_health_checks_in_cel_are_the_same() -> None:
    check = {"apiVersion": "a.example/v1", "kind": "Cart", "current": "status.ok"}
    draft = kustomization("  healthCheckExprs: [{apiVersion: a.example/v1, kind: Cart, current: status.ok}]")
    assert draft.spec["healthChecks"] == [check]


def test_fields_that_are_left_alone_are_carried_over_unless_their_target_is_a_pattern() -> None:
    given = """\
  ignore:
    - {paths: [/spec/replicas], target: {kind: Deployment, group: apps, labelSelector: 'app=web,tier=front'}}
    - {paths: [/spec/replicas], target: {kind: Deployment, name: web-.*}}
    - {paths: [/data]}
    - {paths: [/metadata/name, /data/a], target: {kind: ConfigMap}}
"""
    draft = kustomization(given)
    labels = {"matchLabels": {"app": "web", "tier": "front"}}
    assert draft.spec["ignoreFields"] == [
        {
            "target": {"group": "apps", "kind": "Deployment", "labelSelector": labels},
            "fields": ["/spec/replicas"],
        },
        {"target": {"kind": "ConfigMap"}, "fields": ["/data/a"]},
    ]
    assert [line for line in told(draft) if "ignore" in line] == [
        "10 spec.ignore[1]: not carried over",
        "11 spec.ignore[2]: not carried over",
        "12 spec.ignore[3]: not carried over",
    ]


def test_what_cannot_be_carried_over_is_named_with_its_line() -> None:
    given = "  serviceAccountName: deployer\n  buildMetadata: [originAnnotations]\n  shiny: {new: true}"
    assert [line for line in told(kustomization(given)) if "prune" not in line] == [
        "8 spec.serviceAccountName: not carried over",
        "10 spec.shiny.new: not carried over",
    ]


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ("  kubeConfig: {secretRef: {name: prod}}", "spec.kubeConfig", "another cluster"),
        ("  images: {name: a}", "spec.images", "must be a list"),
        ("  dependsOn: [infra]", "spec.dependsOn[0]", "must be a map"),
        ("  targetNamespace: [a]", "spec.targetNamespace", "must be a plain value"),
    ],
)
def test_what_is_refused_is_not_imported_and_says_why(given: str, field: str, words: str) -> None:
    draft = kustomization(given)
    assert draft.spec == {}
    assert told(draft) == [f"8 {field}: not imported"]
    assert words in message(draft, field)


def test_a_source_that_was_not_read_is_named() -> None:
    draft = kustomization(source="")
    assert draft.spec == {}
    assert message(draft, "spec.sourceRef").startswith("GitRepository apps/fleet is not among what was read")


def test_what_is_made_from_git_needs_its_repository() -> None:
    text = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web, namespace: apps}
spec: {prune: true, path: ./web, sourceRef: {kind: OCIRepository, name: web}}
"""
    found = resources(text)
    alone = kustomizations.convert(found[0], Resources(found), Homes())
    assert alone.spec == {}
    known = Homes(given=Home(url=FLEET))
    assert spec_of(kustomizations.convert(found[0], Resources(found), known), "url", "path") == {
        "url": FLEET,
        "path": "web",
    }


def test_bases_of_other_repositories_are_pinned() -> None:
    remote = "https://git.example.com/acme/base//web?ref=v1.0.0"
    known = clone(
        {
            "apps/web/kustomization.yaml": "resources: [../base, a.yaml]",
            "apps/base/kustomization.yaml": f"resources: ['{remote}', ../web]",
        }
    )
    draft = kustomization(known=known)
    assert draft.spec["remote"] == "Pinned"
    assert message(draft, "spec.path").startswith(f"it builds on {remote}: each has to name a full commit id")
    assert (
        "remote"
        not in kustomization(known=clone({"apps/web/kustomization.yaml": "resources: [a.yaml]"})).spec
    )


def test_a_folder_that_the_clone_does_not_have_is_named() -> None:
    draft = kustomization("  namePrefix: a-", known=clone({"other/a.yaml": ""}))
    assert "6 spec.path: not carried over" in told(draft)
    assert draft.spec["kustomize"] == {"namePrefix": "a-"}
