"""Values that differ each time a chart is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.render.helm.charts import SETTINGS, chart
from tests.render.helm.yard import Yard, options, told

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: login
data:
  user: YWRh
  password: {{ randAlphaNum 20 | b64enc }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data: {a: b}
"""


async def test_a_random_value_is_refused_by_object_field_and_line(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    assert await yard.refusals(chart(templates__s_yaml=SECRET)) == [
        (
            "app/templates/s.yaml:7: Secret/login /data/password differs at each render: "
            "set the value, or spec.helm.random: Once"
        )
    ]
    assert yard.children == 2


async def test_a_random_value_that_is_set_is_none(tmp_path: Path) -> None:
    text = SECRET.replace("randAlphaNum 20", "(.Values.password | default (randAlphaNum 20))")
    yard = Yard(tmp_path)
    found = await yard.objects(chart(templates__s_yaml=text), {"values": {"password": "given"}})
    assert len(found) == 2
    assert yard.children == 2


async def test_a_random_value_may_be_set_once_and_then_left_alone(tmp_path: Path) -> None:
    files, once = chart(templates__s_yaml=SECRET), options({"random": "Once"})
    first = await Yard(tmp_path / "one").charts(files, once)
    second = await Yard(tmp_path / "two").charts({**files, "app/README.md": "news"}, once)
    assert told(first) == []
    assert {one.ref.name: one.ignored for one in first.built.manifests} == {
        "login": ("/data/password",),
        "plain": (),
    }
    assert [one.digest for one in first.built.manifests] == [one.digest for one in second.built.manifests]
    assert first.built.manifests[0].content != second.built.manifests[0].content
    other = await Yard(tmp_path / "three").charts(
        chart(templates__s_yaml=SECRET.replace("YWRh", "Ym9i")), once
    )
    assert other.built.manifests[0].digest != first.built.manifests[0].digest


@pytest.mark.parametrize("text", ["{{ now | unixEpoch }}", '{{ now | date "15:04:05" }}'])
async def test_the_clock_is_noticed_from_one_second_to_the_next(tmp_path: Path, text: str) -> None:
    template = SETTINGS.replace(
        "toJson .Values | quote", f'tpl "{text}" . | quote'.replace('"15', '\\"15').replace('05"', '05\\"')
    )
    (failure,) = await Yard(tmp_path).refusals(chart(templates__s_yaml=template))
    assert "ConfigMap/settings /data/all differs at each render" in failure


async def test_a_random_value_that_a_value_asks_for_is_noticed(tmp_path: Path) -> None:
    files = chart(
        templates__s_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: {{ tpl .Values.a . }}}\n"
    )
    (failure,) = await Yard(tmp_path).refusals(files, {"values": {"a": "{{ uuidv4 }}"}})
    assert "ConfigMap/s /data/a differs" in failure


async def test_names_that_differ_are_refused_also_where_values_may(tmp_path: Path) -> None:
    files = chart(templates__s_yaml=SETTINGS.replace("name: settings", "name: '{{ randAlpha 5 | lower }}'"))
    (failure,) = await Yard(tmp_path).refusals(files, {"random": "Once"})
    assert failure == "app/Chart.yaml:0: the objects differ at each render: give them names that do not"


async def test_a_template_that_asks_the_cluster_is_named_with_its_line_when_it_is_rendered(
    tmp_path: Path,
) -> None:
    files = chart(
        templates__s_yaml=SETTINGS
        + '{{- if lookup "v1" "Secret" "" "a" }}\n{{- end }}\n{{/* lookup "no" */}}\n'
    )
    yard = Yard(tmp_path)
    assert (await yard.charts(files)).lookups == (("app/templates/s.yaml", 7),)
    assert (await yard.charts(files)).lookups == ()
