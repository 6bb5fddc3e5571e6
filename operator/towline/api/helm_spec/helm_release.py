"""Read `spec.helm`: how a chart is rendered, and with which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from towline.api.helm_spec import set_syntax
from towline.api.helm_spec.set_syntax import SetSyntaxError
from towline.api.schema import SchemaFault
from towline.api.substituting import ValuesKind


class Hooks(StrEnum):
    """What is done with the hooks of a chart."""

    MAP = "Map"
    SKIP = "Skip"
    REFUSE = "Refuse"


class RandomValues(StrEnum):
    """What is done with values that differ each time a chart is rendered."""

    REFUSE = "Refuse"
    ONCE = "Once"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmParameter:
    """One value by its path, as after `--set` or, where `force_string`, `--set-string`."""

    name: str
    value: str
    force_string: bool

    @property
    def assignment(self) -> str:
        """The text that Helm's command line would have."""
        return set_syntax.assignment(self.name, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmValuesSource:
    """A key of a ConfigMap or Secret of the repository's namespace; `target` is the path that its text goes to.

    Without a kind, `name` is another GitRepository of that namespace, and `key` the path of a file in its repository.
    """

    kind: ValuesKind | None
    name: str
    key: str
    target: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmChart:
    """A chart of another server, as the spec names it."""

    repository: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmRelease:
    """What `spec.helm` says; `values` is JSON, empty where there are none. Empty texts stand for what is not set."""

    chart: HelmChart | None = None
    name: str = ""
    namespace: str = ""
    files: tuple[str, ...] = ()
    sources: tuple[HelmValuesSource, ...] = ()
    values: bytes = field(default=b"", repr=False)
    parameters: tuple[HelmParameter, ...] = field(default=(), repr=False)
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    includes_crds: bool = True
    hooks: Hooks = Hooks.MAP
    random: RandomValues = RandomValues.REFUSE

    @property
    def is_of_one_chart(self) -> bool:
        """Whether anything of it makes sense for one chart only."""
        return bool(self.name or self.files or self.sources or self.values or self.parameters)


def parse(given: Mapping[str, Any] | None) -> HelmRelease:
    """Return `spec.helm` as the schema has accepted it."""
    given = given or {}
    values = given.get("values")
    chart = given.get("chart")
    return HelmRelease(
        chart=HelmChart(repository=chart["repo"], name=chart["name"], version=chart["version"])
        if chart
        else None,
        name=given.get("releaseName", ""),
        namespace=given.get("namespace", ""),
        files=tuple(_clean(path) for path in given.get("valuesFiles") or ()),
        sources=tuple(map(_source, given.get("valuesFrom") or ())),
        values=orjson.dumps(values, option=orjson.OPT_SORT_KEYS) if values else b"",
        parameters=tuple(map(_parameter, given.get("parameters") or ())),
        kube_version=given.get("kubeVersion", ""),
        api_versions=tuple(given.get("apiVersions") or ()),
        includes_crds=given.get("crds", "Include") == "Include",
        hooks=Hooks(given.get("hooks", Hooks.MAP)),
        random=RandomValues(given.get("random", RandomValues.REFUSE)),
    )


def faults(given: Mapping[str, Any] | None) -> Iterator[SchemaFault]:
    """Yield what is wrong with the paths of files and values, which the schema cannot tell."""
    given = given or {}
    for index, path in enumerate(given.get("valuesFiles") or ()):
        if path.startswith("/") or ".." in path.split("/") or not _clean(path):
            message = "must be a path from the root of the repository, without .."
            yield SchemaFault(f"spec.helm.valuesFiles[{index}]", message)
    for index, source in enumerate(given.get("valuesFrom") or ()):
        yield from _source_faults(f"spec.helm.valuesFrom[{index}]", source)
    yield from _path_faults("parameters", "name", given.get("parameters") or ())
    yield from _path_faults("valuesFrom", "targetPath", given.get("valuesFrom") or ())


def _source_faults(field_name: str, source: Mapping[str, Any]) -> Iterator[SchemaFault]:
    named = [name for name in ("kind", "name") if source.get(name)]
    other = source.get("gitRepository")
    if other and named:
        yield SchemaFault(field_name, "has both gitRepository and kind or name: use an entry for each")
    elif not other and len(named) < 2:
        yield SchemaFault(field_name, "needs kind and name, or gitRepository")
    if other and (
        other["path"].startswith("/") or ".." in other["path"].split("/") or not _clean(other["path"])
    ):
        message = "must be a path from the root of its repository, without .."
        yield SchemaFault(f"{field_name}.gitRepository.path", message)


def _path_faults(field_name: str, path: str, given: Sequence[Mapping[str, Any]]) -> Iterator[SchemaFault]:
    for index, one in enumerate(given):
        if not one.get(path):
            continue
        try:
            set_syntax.applied(set_syntax.assignment(one[path], one.get("value", "")), {})
        except SetSyntaxError as error:
            yield SchemaFault(f"spec.helm.{field_name}[{index}]", f"cannot be read as after --set: {error}")


def _source(given: Mapping[str, Any]) -> HelmValuesSource:
    if other := given.get("gitRepository"):
        return HelmValuesSource(
            kind=None,
            name=other["name"],
            key=_clean(other["path"]),
            target=given.get("targetPath", ""),
            optional=given.get("optional", False),
        )
    return HelmValuesSource(
        kind=ValuesKind(given["kind"]),
        name=given["name"],
        key=given.get("valuesKey") or "values.yaml",
        target=given.get("targetPath", ""),
        optional=given.get("optional", False),
    )


def _parameter(given: Mapping[str, Any]) -> HelmParameter:
    return HelmParameter(
        name=given["name"], value=given.get("value", ""), force_string=given.get("forceString", False)
    )


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in {"", "."})
