"""A refusal of what kustomize has made names the line that set its field, as the status does."""

from __future__ import annotations

from pathlib import Path

from towline.errors import Failure, Refusal
from towline.read.comparison.recorded_objects import Compared

from e2e.harness import gitrepo
from tests.read.provenance import blaming

FILES = {
    "base/kustomization.yaml": "resources: [settings.yaml]\n",
    "base/settings.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  level: info
  colour: red
""",
    "prod/kustomization.yaml": """\
resources: [../base]
patches:
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings
    data:
      level: wrong
""",
}


async def test_a_refused_field_is_at_the_line_of_the_overlay_or_of_the_base_that_set_it(
    tmp_path: Path,
) -> None:
    repo = gitrepo.create(tmp_path / "shop.git")
    finder = await blaming.finder(repo, repo.commit(FILES), path="prod")
    declared = await finder.renderer.render(finder.source)
    (ref,) = declared.declared
    refused = tuple(
        Failure(
            reason=Refusal.INVALID,
            message="bad",
            object=str(ref),
            file="base/settings.yaml",
            line=1,
            field=field,
        )
        for field in ("/data/level", "/data/colour", "")
    )
    lines = finder.renderer.lines(finder.source, declared)
    located = await lines.located(Compared(refused=refused))
    assert [(each.file, each.line) for each in located.refused] == [
        ("prod/kustomization.yaml", 9),
        ("base/settings.yaml", 7),
        ("base/settings.yaml", 1),
    ]
    assert await lines.place(str(ref), "/data/level") == ("prod/kustomization.yaml", 9)
    assert await lines.place("ConfigMap/other", "/data/level") is None
