"""Where the objects of a chart are declared, and where its errors are."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.render.helm.charts import FIXTURES, SETTINGS, chart
from tests.render.helm.yard import Yard, told

MAPS = """\
{{- if .Values.first }}
apiVersion: v1
kind: ConfigMap
metadata: {name: first}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: second}
---
apiVersion: v1
kind: Secret
metadata: {name: third}
"""


async def places(place: Path, files: Mapping[str, str]) -> dict[str, str]:
    found = await Yard(place).charts(files)
    assert told(found) == []
    return {one.ref.name: f"{one.origin.file}:{one.origin.line}" for one in found.built.manifests}


async def test_an_object_names_its_template_and_the_line_of_its_kind(tmp_path: Path) -> None:
    files = chart(templates__all_yaml=MAPS, values_yaml="first: true\n")
    assert await places(tmp_path, files) == {
        "first": "app/templates/all.yaml:2",
        "second": "app/templates/all.yaml:7",
        "third": "app/templates/all.yaml:11",
    }


async def test_an_object_of_a_chart_in_a_chart_names_its_own_template(tmp_path: Path) -> None:
    files = FIXTURES["a subchart with values of its own, and global ones"]
    assert await places(tmp_path, files) == {
        "db": "app/charts/db/templates/db.yaml:1",
        "settings": "app/templates/settings.yaml:2",
    }
    found = await Yard(tmp_path / "again").charts(files)
    assert {one.origin.via for one in found.built.manifests} == {
        ("app/Chart.yaml", "app/charts/db/templates/db.yaml"),
        ("app/Chart.yaml", "app/templates/settings.yaml"),
    }


async def test_the_name_of_a_chart_need_not_be_that_of_its_folder(tmp_path: Path) -> None:
    files = {
        **chart(
            name="y", templates__settings_yaml=SETTINGS, more="dependencies:\n- {name: db, alias: store}\n"
        ),
        **chart(
            name="db",
            folder="app/charts/elsewhere",
            templates__db_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n",
        ),
    }
    assert await places(tmp_path, files) == {
        "db": "app/charts/elsewhere/templates/db.yaml:1",
        "settings": "app/templates/settings.yaml:2",
    }


async def test_a_chart_at_the_root_of_the_repository_is_a_unit(tmp_path: Path) -> None:
    files = {path.removeprefix("app/"): text for path, text in chart(templates__s_yaml=SETTINGS).items()}
    found = await Yard(tmp_path).charts(files, folder="")
    assert [one.origin.file for one in found.built.manifests] == ["templates/s.yaml"]


def packed(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(out.getvalue())


async def test_an_object_of_a_packed_chart_names_the_archive_and_the_template_in_it(tmp_path: Path) -> None:
    archive = packed(
        chart(
            name="db",
            folder="db",
            templates__db_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n",
        )
    )
    files = chart(more="dependencies:\n- {name: db, version: 1.0.0}\n")
    yard = Yard(tmp_path)
    found = await yard.charts(files, binaries={"app/charts/db-1.0.0.tgz": archive})
    assert told(found) == []
    assert [one.origin.file for one in found.built.manifests] == ["app/charts/db-1.0.0.tgz!templates/db.yaml"]


async def test_an_error_of_a_template_has_its_file_and_line(tmp_path: Path) -> None:
    files = {
        **chart(templates__web_yaml='a: 1\nb: {{ include "broken" . }}\n'),
        "app/templates/_helpers.tpl": '{{ define "broken" }}\n{{ .Values.a.b.c }}\n{{ end }}\n',
    }
    (failure,) = await Yard(tmp_path).refusals(files)
    assert failure.startswith("app/templates/_helpers.tpl:2: helm refuses it: ")
    assert "app/templates/web.yaml:2:" in failure
    assert str(tmp_path) not in failure
    needing = chart(templates__web_yaml='a: 1\nb: {{ required "set it" .Values.absent }}\n')
    (failure,) = await Yard(tmp_path / "x").refusals(needing)
    assert failure.startswith("app/templates/web.yaml:2: helm refuses it: ")
    assert failure.endswith(": set it")


async def test_an_error_in_a_chart_of_a_chart_has_its_file_and_line(tmp_path: Path) -> None:
    files = {
        **chart(),
        **chart(name="db", folder="app/charts/odd", templates__db_yaml='\n\n{{ fail "no" }}\n'),
    }
    (failure,) = await Yard(tmp_path).refusals(files)
    assert failure.startswith("app/charts/odd/templates/db.yaml:3: helm refuses it: ")


async def test_what_a_template_renders_must_be_what_kubernetes_reads(tmp_path: Path) -> None:
    files = chart(templates__s_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, name: b}\n")
    (failure,) = await Yard(tmp_path).refusals(files)
    assert failure.startswith("app/templates/s.yaml:0: what this template renders cannot be used: ")
    assert failure.endswith("(line 3 of it)")


async def test_what_helm_says_is_short_and_shows_no_secret(tmp_path: Path) -> None:
    files = chart(
        values_yaml="password: hunter2hunter2\n",
        templates__s_yaml='{{ fail (printf "%s %s %s" .Values.password .Values.token (repeat 3000 "x")) }}\n',
    )
    (failure,) = await Yard(tmp_path).refusals(files, {"values": {"token": "abcdef123456"}})
    assert "hunter2" not in failure
    assert "abcdef" not in failure
    assert len(failure) < 1200


async def test_nothing_that_a_chart_says_of_itself_is_shown(tmp_path: Path) -> None:
    files = chart(
        more="home: https://home.example/x\nicon: https://icon.example/x\ndescription: said\n",
        templates__NOTES_txt="notes of the chart\n",
        templates__s_yaml='{{ fail "no" }}\n',
    )
    (failure,) = await Yard(tmp_path).refusals(files)
    assert not {"home.example", "icon.example", "said", "notes"} & set(failure.replace("/", " ").split())
