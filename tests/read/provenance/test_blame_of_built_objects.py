"""What kustomize and Helm make has the commits of the lines that it comes from, as sure as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.harness import gitrepo
from e2e.harness.gitrepo import BOB, Content, Repo
from tests.read.provenance.blaming import OWNER, blamed, disagreeing
from tests.render.helm import helm_cli
from tests.render.helm.test_chart_origins import packed

BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  minReadySeconds: 7
  template:
    spec:
      containers:
      - name: web
        image: web:1
        args: ["--fast"]
"""
OVERLAY = """\
resources: [../../base]
namespace: shop
images:
- name: web
  newTag: "2"
patches:
- path: patch.yaml
configMapGenerator:
- name: settings
  files: [app.conf]
  literals:
  - colour=red
generatorOptions: {disableNameSuffixHash: true}
"""
PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  minReadySeconds: 9\n"
CONTAINER = "/spec/template/spec/containers/0"
FILES = {
    "base/web.yaml": BASE,
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "over/prod/kustomization.yaml": OVERLAY,
    "over/prod/patch.yaml": PATCH,
    "over/prod/app.conf": "one\ntwo\nthree\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    moments = iter(range(1_700_000_000, 1_800_000_000, 60))
    return gitrepo.create(tmp_path / "shop.git", clock=lambda: float(next(moments)))


async def test_a_field_comes_from_the_base_the_patch_or_the_kustomization_that_sets_it(repo: Repo) -> None:
    first = repo.commit(FILES)
    tagged = repo.commit({"over/prod/kustomization.yaml": OVERLAY.replace('"2"', '"3"')}, author=BOB)
    last = repo.commit({"over/prod/patch.yaml": PATCH.replace("9", "11")}, author=BOB)
    found = await blamed(repo, last, "Deployment.apps/shop/web", path="over/prod")
    assert {
        name: (found[path]["file"], found[path]["line"], found[path]["commit"])
        for name, path in {
            "replicas": "/spec/replicas",
            "ready": "/spec/minReadySeconds",
            "image": f"{CONTAINER}/image",
            "args": f"{CONTAINER}/args/0",
            "namespace": "/metadata/namespace",
        }.items()
    } == {
        "replicas": ("base/web.yaml", 6, first),
        "ready": ("over/prod/patch.yaml", 6, last),
        "image": ("over/prod/kustomization.yaml", 5, tagged),
        "args": ("base/web.yaml", 13, first),
        "namespace": ("over/prod/kustomization.yaml", 2, first),
    }
    assert found["/spec/replicas"]["via"] == ["over/prod/kustomization.yaml", "base/kustomization.yaml"]
    assert {each["certainty"] for each in found.values() if each["owner"] == OWNER} <= {"exact", "likely"}
    assert disagreeing(repo, last, found) == []


async def test_the_keys_of_a_generated_config_map_come_from_files_and_literals(repo: Repo) -> None:
    repo.commit(FILES)
    last = repo.commit({"over/prod/app.conf": "one\n2\nthree\n"}, author=BOB)
    found = await blamed(repo, last, "ConfigMap/shop/settings", path="over/prod")
    conf, colour = found["/data/app.conf"], found["/data/colour"]
    assert (conf["file"], conf["line"], conf["commit"]) == ("over/prod/app.conf", 2, last)
    assert (colour["file"], colour["line"]) == ("over/prod/kustomization.yaml", 12)


async def test_a_few_fields_are_made_sure_of_by_building_again(repo: Repo) -> None:
    first = repo.commit(FILES)
    found = await blamed(
        repo, first, "Deployment.apps/shop/web", path="over/prod", chosen=f"{CONTAINER}/image"
    )
    image = found[f"{CONTAINER}/image"]
    assert (image["line"], image["certainty"]) == (5, "exact")


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "chart/values.yaml": "colour: red\nreplicas: 2\n",
    "chart/templates/all.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\n"
        "data:\n  colour: {{ .Values.colour }}\n  size: large\n"
    ),
}


async def test_a_field_of_a_chart_comes_from_its_values_or_its_template(repo: Repo) -> None:
    first = repo.commit(CHART)
    last = repo.commit({"chart/values.yaml": "colour: blue\nreplicas: 2\n"}, author=BOB)
    found = await blamed(
        repo, last, "ConfigMap/shop/settings", path="chart", binary=str(helm_cli.binary()), seconds=60.0
    )
    colour, size = found["/data/colour"], found["/data/size"]
    assert (colour["file"], colour["line"], colour["commit"]) == ("chart/values.yaml", 1, last)
    assert (size["file"], size["line"], size["commit"]) == ("chart/templates/all.yaml", 8, first)
    assert {colour["certainty"], size["certainty"]} == {"exact"}


async def test_a_line_of_a_packed_chart_has_the_commit_of_its_archive(repo: Repo) -> None:
    inner = {"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n"}
    inner["db/templates/db.yaml"] = CHART["chart/templates/all.yaml"].replace("{{ .Values.colour }}", "red")
    outer: dict[str, Content] = {
        "chart/Chart.yaml": CHART["chart/Chart.yaml"] + "dependencies: [{name: db, version: 1.0.0}]\n",
        "chart/charts/db-1.0.0.tgz": packed(inner),
    }
    first = repo.commit(outer)
    last = repo.commit({"chart/values.yaml": "x: y\n"}, author=BOB)
    found = await blamed(repo, last, "ConfigMap/shop/settings", path="chart", binary=str(helm_cli.binary()))
    size = found["/data/size"]
    assert (size["file"], size["commit"]) == ("chart/charts/db-1.0.0.tgz!templates/db.yaml", first)
