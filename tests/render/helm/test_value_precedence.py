"""Which value counts where several say one, against Helm itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from towline.api.helm_spec import set_syntax
from towline.api.helm_spec.set_syntax import SetSyntaxError
from towline.render.helm.value_layers import NamedLayer

from tests.render.helm import helm_cli
from tests.render.helm.charts import chart
from tests.render.helm.yard import Yard, options

BASE = {"a": {"b": 1, "list": [1, {"c": 2}]}, "text": "x"}
TEXTS = [
    "a.b=2",
    "a.b=2,text=y",
    "a.list[1].c=3",
    "a.list[3]=new",
    "a.list={x,1,true,null}",
    "a.list={}",
    "new.deep.key=1",
    "text=null",
    "a.b=null",
    "a=1",
    r"text=a\,b",
    r"dots\.in\.key=1",
    "text=",
    "number=007",
    "number=-3",
    "number=1.5",
    "number=99999999999999999999",
    "nested[0][1].x=1",
    "text=a=b",
    "text=TRUE",
    "text={a",
    "a.b",
    "list[x]=1",
    "[0]=1",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("flag", ["--set", "--set-string"])
def test_what_follows_set_is_read_as_helm_reads_it(tmp_path: Path, text: str, flag: str) -> None:
    try:
        expected = helm_cli.set_values(tmp_path, [flag, text], helm_cli.json_text(BASE))
    except helm_cli.RefusedError:
        with pytest.raises(SetSyntaxError):
            set_syntax.applied(text, BASE, texts_only=flag == "--set-string")
        return
    found = set_syntax.applied(text, BASE, texts_only=flag == "--set-string")
    assert helm_cli.set_values(tmp_path, [], helm_cli.json_text(found)) == expected


LAYERS = {
    **chart(
        templates__settings_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
        "data: {all: {{ toJson .Values | quote }}}\n",
        values_yaml="a: chart\nb: chart\nc: chart\nd: chart\ne: chart\nmap: {x: 1, in: {z: 2}}\ngone: 1\nkept: 1\n",
    ),
    "values/first.yaml": "b: first\nc: first\nd: first\ne: first\nmap: {in: {w: 3}}\n---\nsecond: document\n",
    "values/last.yaml": "c: last\nd: last\ne: last\nmap: {x: null}\n",
}
HELM: dict[str, Any] = {
    "valuesFiles": ["values/first.yaml", "./values/last.yaml"],
    "values": {"e": "values", "f": "values", "gone": None},
    "parameters": [
        {"name": "f", "value": "a,b"},
        {"name": "list", "value": "{1,x}"},
        {"name": "number", "value": "1"},
        {"name": "text", "value": "1", "forceString": True},
        {"name": "map.in.z", "value": "9"},
    ],
}


async def test_the_later_of_chart_files_objects_values_and_parameters_counts(tmp_path: Path) -> None:
    layers = (
        NamedLayer(where="ConfigMap shop/one", values={"d": "object", "e": "object", "map": {"q": 4}}),
        NamedLayer(where="ConfigMap shop/two", target="deep.password", text="1,2\\3"),
        NamedLayer(where="ConfigMap shop/three", target="deep.quoted", text="'17'"),
    )
    found = await Yard(tmp_path).charts(LAYERS, options(HELM, layers=layers))
    (one,) = found.built.manifests
    assert helm_cli.read_json(one.body["data"]["all"]) == {
        "a": "chart",
        "b": "first",
        "c": "last",
        "d": "object",
        "e": "values",
        "f": "a,b",
        "kept": 1,
        "list": [1, "x"],
        "number": 1,
        "text": "1",
        "second": "document",
        "deep": {"password": "1,2\\3", "quoted": "17"},
        "map": {"in": {"z": 9, "w": 3}, "q": 4},
    }


@pytest.mark.parametrize(
    "text", ["a[1000]=1", ",".join(f"a{n}[999]=1" for n in range(30)), f"a[{'9' * 5000}]=1"]
)
def test_a_few_characters_make_no_large_lists(text: str) -> None:
    with pytest.raises(SetSyntaxError):
        set_syntax.applied(text, {})
