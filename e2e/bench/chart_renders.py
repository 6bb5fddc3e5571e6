"""What charts cost beside Helm itself, with and without a function that asks for a second render."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from towline.api.helm_spec.helm_release import HelmRelease
from towline.controller import render_folder
from towline.render.confined.jail import Jail
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_options import KUBE_VERSION, ChartOptions
from towline.shares.pools import Pools

from e2e.bench import render_costs, rows
from e2e.bench.render_costs import Commit
from e2e.bench.rig import Rig
from e2e.bench.rows import Section, Unit

TEMPLATES = (5, 100)
ROUNDS = 5
FOLDER = "web"

ONCE, TWICE = 1.3, 2.3
"""Times Helm alone: where one render tells, and where two are compared."""

_TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{{{ .Release.Name }}}}-{number}
  labels: {{{{- include "web.labels" . | nindent 4 }}}}
data:
  colour: {{{{ .Values.colour | quote }}}}
  text: {text}
"""
_RANDOM = """\
{{- if .Values.password }}
apiVersion: v1
kind: Secret
metadata:
  name: password
stringData:
  password: {{ default (randAlphaNum 12) .Values.password }}
{{- end }}
"""
_HELPERS = """\
{{- define "web.labels" -}}
app: {{ .Chart.Name }}
release: {{ .Release.Name }}
{{- end }}
"""


def measure(rig: Rig, helm: Path, seed: int) -> tuple[Section, ...]:
    """Measure charts of several sizes."""
    found = []
    memory = (
        render_folder.MEMORY if render_folder.MEMORY.is_dir() else None
    )  # where the operator has its copies
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for count in TEMPLATES:
            for goal in (ONCE, TWICE):
                rig.say(f"a chart of {count} templates, {ROUNDS} times, at most {goal} x")
                ours, bare = _costs(Path(folder, f"{count}-{goal}"), helm, _files(seed, count, goal))
                ratios = [own / other for own, other in zip(ours, bare, strict=True)]
                how = "with a random function, " if goal == TWICE else ""
                found += [
                    rows.median(
                        f"a chart of {count} templates, {how}to Helm alone", ratios, Unit.TIMES, at_most=goal
                    ),
                    rows.median("Helm alone, CPU", [1000 * each for each in bare], Unit.MILLISECONDS),
                ]
    return (Section(title=f"Charts whose values changed, CPU with children, seed {seed}", rows=tuple(found)),)


def _costs(place: Path, helm: Path, files: Mapping[str, str]) -> tuple[list[float], list[float]]:
    builder = ChartBuilder(Jail(place / "renders", Pools.here()), partial(helm_tool.find, str(helm)))
    options = ChartOptions(asked=HelmRelease(), release="shop", namespace="default")
    command = (str(helm), "template", "shop", FOLDER, "--kube-version", KUBE_VERSION, "--include-crds")
    loop = asyncio.new_event_loop()
    ours, bare = [], []
    for number in range(ROUNDS):
        changed = {**files, f"{FOLDER}/values.yaml": f"colour: c{number}\npassword: fixed\n"}
        bare.append(render_costs.bare(command, place / f"bare-{number}", changed))
        source = Commit(changed).source
        before = render_costs.used()
        built = loop.run_until_complete(builder.build(source, (FOLDER,), options)).built
        ours.append(render_costs.used() - before)
        if built.failures:
            raise ValueError(built.failures[0].message)
    return ours, bare


def _files(seed: int, count: int, goal: float) -> dict[str, str]:
    drawn = random.Random(f"{seed} {count}")  # noqa: S311  to be repeated, not to be secret
    files = {
        f"templates/{number}.yaml": _TEMPLATE.format(number=number, text="x" * drawn.choice((20, 200, 2_000)))
        for number in range(count)
    }
    files |= {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "templates/_helpers.tpl": _HELPERS}
    if goal == TWICE:
        files["templates/random.yaml"] = _RANDOM
    return {f"{FOLDER}/{path}": content for path, content in files.items()}
