"""docs/reference against the code and the CRDs: nothing is missing there, and nothing there is invented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import towline
import yaml
from towline import metrics
from towline.__main__ import main
from towline.api import labels
from towline.api.condition import Type
from towline.cli import options
from towline.errors import Reason, Refusal
from towline.health import assessment
from towline.plan import vetoes, waves
from towline.plan.ownership import DELEGATES
from towline.render import documents
from towline.render.variables.substitution import Substitution, substituted
from towline.source.selection import SourceLimits
from towline.status import reasons
from towline.status.reasons import Party

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
CHART = ROOT / "charts" / "towline"
CRDS = ("gitrepositories", "syncrecords")
PAGE = {"gitrepositories": "gitrepository.md", "syncrecords": "syncrecord.md"}


class Field(NamedTuple):
    """One field of a CRD by its path below spec or status, `[]` behind what is a list."""

    path: str
    schema: dict[str, Any]
    leaf: bool


def crd(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text())
    (version,) = parsed["spec"]["versions"]
    return {**version, "root": version["schema"]["openAPIV3Schema"]["properties"]}


def fields(schema: dict[str, Any], path: str) -> Iterator[Field]:
    if schema.get("type") == "array":
        yield from fields(schema["items"], f"{path}[]")
        return
    below = schema.get("properties", {})
    if path:
        yield Field(path, schema, leaf=not below)
    for name, child in below.items():
        yield from fields(child, f"{path}.{name}" if path else name)


def section(page: str, heading: str) -> str:
    """Return what stands under one second-level heading."""
    text = (PAGES / page).read_text()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no heading {heading}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """Return the rows of all tables by what stands in backticks in their first cell."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"\| `([^`]+)` \|(.*)\|$", line):
            assert match[1] not in found, f"{match[1]} stands twice"
            found[match[1]] = [cell.strip() for cell in re.split(r"(?<!\\)\|", match[2])]
    return found


@pytest.mark.parametrize("half", ["spec", "status"])
@pytest.mark.parametrize("name", CRDS)
def test_every_field_is_documented_and_nothing_else(name: str, half: str) -> None:
    known = {field.path: field.leaf for field in fields(crd(name)["root"][half], "")}
    documented = set(rows(section(PAGE[name], half)))
    assert {path for path, leaf in known.items() if leaf} - documented == set()
    assert documented - set(known) == set()


@pytest.mark.parametrize("half", ["spec", "status"])
@pytest.mark.parametrize("name", CRDS)
def test_every_value_of_a_closed_list_is_named(name: str, half: str) -> None:
    documented = rows(section(PAGE[name], half))
    for field in fields(crd(name)["root"][half], ""):
        for value in field.schema.get("enum", ()):
            assert f"`{value}`" in " ".join(documented[field.path]), f"{field.path}: {value}"


def test_every_default_is_the_one_of_the_schema() -> None:
    documented = rows(section("gitrepository.md", "spec"))
    for field in fields(crd("gitrepositories")["root"]["spec"], ""):
        if "default" in field.schema:
            value = field.schema["default"]
            text = str(value).lower() if isinstance(value, bool) else str(value)
            assert documented[field.path][0] == f"`{text}`", field.path
        elif field.path in documented:
            assert not documented[field.path][0].startswith("`"), field.path


def test_every_field_of_a_schema_has_a_description() -> None:
    root = crd("gitrepositories")["root"]
    lacking = [
        field.path
        for half in ("spec", "status")
        for field in fields(root[half], "")
        if not field.schema.get("description")
    ]
    assert lacking == []


def test_what_is_not_served_yet_is_marked_and_nothing_else() -> None:
    documented = rows(section("gitrepository.md", "spec"))
    marked = {path for path, cells in documented.items() if "supported yet" in cells[-1].lower()}
    marked = {re.split(r"\W", path)[0] for path in marked}
    refused = {'!self.matches(r"^")', "false"}
    properties = crd("gitrepositories")["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert marked == {
        name
        for name, schema in properties.items()
        if any(rule["rule"] in refused for rule in schema.get("x-kubernetes-validations", ()))
    }


@pytest.mark.parametrize("name", CRDS)
def test_every_column_is_documented_in_its_order(name: str) -> None:
    columns = [column["name"].upper() for column in crd(name)["additionalPrinterColumns"]]
    assert list(rows(section(PAGE[name], "Columns"))) == columns


def test_every_condition_is_documented() -> None:
    text = (PAGES / "conditions.md").read_text().split("\n## ")[0]
    assert list(rows(text)) == [str(kind) for kind in Type]


@pytest.mark.parametrize(("page", "words"), [("conditions.md", "all {}"), ("gitrepository.md", "the {}")])
def test_the_pages_count_the_conditions_rightly(page: str, words: str) -> None:
    counted = words.format({6: "six", 7: "seven", 8: "eight"}[len(Type)])
    assert re.search(rf"\b{counted} (conditions|\[conditions\])", (PAGES / page).read_text())


def test_every_reason_is_documented_as_the_table_has_it() -> None:
    documented = rows(section("conditions.md", "Reasons of Ready"))
    assert list(documented) == [str(reason) for reason in Reason]
    for reason, row in reasons.TABLE.items():
        meaning, parties, beside, again = documented[reason]
        assert meaning.endswith((".", ".)"))
        assert {party for party in Party if party in parties} == set(row.parties), reason
        assert beside == row.beside, reason
        assert again.startswith(row.again), reason


def test_every_refusal_is_documented() -> None:
    documented = rows(section("conditions.md", "Reasons of one failure"))
    assert list(documented) == [str(refusal) for refusal in Refusal]


def test_every_annotation_and_label_is_documented() -> None:
    constants = [value for value in vars(labels).values() if isinstance(value, str)]
    names = {value for value in constants if value.startswith(labels.PREFIX)} - {labels.PREFIX}
    documented = rows((PAGES / "annotations-and-labels.md").read_text())
    assert set(documented) == {*names, labels.CHANGE_CAUSE}


def test_every_metric_is_documented() -> None:
    documented = rows((PAGES / "metrics.md").read_text())
    known = {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in metrics.Metrics().registry.collect()
    }
    assert {name: cells[0] for name, cells in documented.items()} == known


def commands(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its words, also those of groups in groups."""
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name}{word} ")
        else:
            yield f"{name}{word}", command


@pytest.mark.parametrize(("name", "command"), tuple(commands(main)))
def test_every_option_of_a_command_is_documented(name: str, command: click.Command) -> None:
    (heading,) = re.findall(
        rf"^## (`towline {name}(?: .*)?`)$", (PAGES / "commands.md").read_text(), re.MULTILINE
    )
    documented = {option.split()[0] for option in rows(section("commands.md", heading))}
    options = {one.opts[0] for one in command.params if isinstance(one, click.Option)}
    shared = set(rows(section("commands.md", "Options that commands share"))) if "--as" in options else set()
    assert documented == options - {option.split()[0] for option in shared}


def test_every_option_that_commands_share_is_documented() -> None:
    command = click.command()(options.view(everywhere=True, watch=True)(lambda: None))
    documented = rows(section("commands.md", "Options that commands share"))
    assert [option.split()[0] for option in documented][:9] == [one.opts[0] for one in command.params]


def test_every_wave_is_documented_with_its_kinds() -> None:
    documented = rows(section("applying.md", "Order"))
    listed = {str(number): ", ".join(kind.kind for kind in kinds) for number, kinds in waves._WAVES}
    assert documented.pop(str(waves._EVERYTHING_ELSE)) == ["everything else"]
    assert {number: re.sub(r" \(.*?\)", "", cells[0]) for number, cells in documented.items()} == listed


def test_every_data_kind_is_documented() -> None:
    text = section("applying.md", "What is pruned").split("### Data kinds")[1]
    kinds = {kind.kind for kind in vetoes.DATA_KINDS | DELEGATES}
    assert set(re.findall(r"`([A-Z]\w+)`", text)) == kinds


def test_every_kind_with_a_health_rule_is_documented() -> None:
    kinds = {kind for row in rows(section("health.md", "Kinds")) for kind in row.split(", ")}
    assert kinds == {kind.kind for kind in assessment.FAMILIES}


def test_every_limit_is_documented() -> None:
    tree, yaml_limits, mebi = SourceLimits(), documents.YamlLimits(), 1024**2
    fetched, read = (PAGES / "git.md").read_text(), (PAGES / "manifests.md").read_text()
    assert f"| {tree.mirror_bytes // 1024**3} GiB |" in fetched
    assert f"| {tree.refs:,} |" in fetched
    assert f"| one file | {tree.file_bytes // mebi} MiB |" in read
    assert f"| {tree.files:,} files, {tree.content_bytes // mebi} MiB |" in read
    assert f"| objects of a commit | {yaml_limits.objects:,} |" in read
    assert f"| {tree.entries:,} |" in read
    assert f"| {yaml_limits.nodes:,} |" in read
    assert f"at most {yaml_limits.content_bytes // mebi} MiB |" in read
    assert f"ten times its bytes and {yaml_limits.file_expansion // mebi} MiB" in read
    assert f"ten times their bytes and {yaml_limits.commit_expansion // mebi} MiB" in read
    assert f"over {yaml_limits.depth} levels" in read


def test_every_example_of_a_variable_becomes_what_its_page_says() -> None:
    given = {"CITY": "Bern", "ROAD": "a/b/c", "N": "3", "EMPTY": ""}
    examples = re.findall(r"^\| `(.+)` \| `(.+)` \|$", (PAGES / "variables.md").read_text(), re.MULTILINE)
    assert len(examples) > 20
    for text, result in examples:
        body, complaints = substituted({"text": text}, Substitution(values=given))
        assert (str(body["text"]), complaints) == (result, ()), text


def values(
    schema: dict[str, Any], defaults: Any, path: str = ""
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield every value of the chart by its path, with its default and its schema."""
    if schema.get("additionalProperties") is False:
        for name, child in schema["properties"].items():
            yield from values(child, defaults.get(name), f"{path}.{name}" if path else name)
    elif path != "global":  # Helm's own
        yield path, defaults, schema


def test_every_value_of_the_chart_is_documented_with_its_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    known = {path: (default, child) for path, default, child in values(schema, _values())}
    documented = rows(section("chart.md", "Values"))
    assert list(documented) == list(known)
    for path, (default, child) in known.items():
        text = default if isinstance(default, str) else json.dumps(default)
        shown = f"`{text}`" if default not in ("", None, [], {}) else ""
        meaning = " ".join(
            [child["description"], ", ".join(f"`{one}`" for one in child.get("enum", ()))]
        ).strip()
        assert documented[path] == [shown, f"{meaning}." if "enum" in child else meaning], path


def test_every_default_of_the_chart_is_in_its_schema() -> None:
    assert set(_values()) == set(json.loads((CHART / "values.schema.json").read_text())["properties"]) - {
        "global"
    }


def test_the_chart_brings_our_crds_and_our_version() -> None:
    ours, its = (
        {path.name: path.read_text() for path in folder.iterdir()}
        for folder in (ROOT / "crds", CHART / "crds")
    )
    assert its == ours, "run `make deploy`"
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == towline.__version__


def _values() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return parsed


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for target, anchor in re.findall(r"\]\(([\w./-]+\.md)(#[\w-]+)?\)", page.read_text()):
            text = (page.parent / target).read_text()
            slugs = {f"#{slug(line)}" for line in text.splitlines() if line.startswith("#")}
            assert not anchor or anchor in slugs, f"{page.name}: {target}{anchor}"


def slug(heading: str) -> str:
    """Return the anchor of a heading, as forges make it."""
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").lower()).replace(" ", "-")
