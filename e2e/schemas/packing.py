"""Pack the schemas of Kubernetes small: what its modules publish, without prose, each part once."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT = ("type", "format", "required")
SPECIAL: Mapping[str, Mapping[str, str]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"format": "quantity"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"format": "int32-or-string"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": "string", "format": "time"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": {"type": "string", "format": "micro-time"},
}
"""What the API server reads in code of its own: strings of the published schema that may be numbers, and the like."""

FREE = frozenset(
    {
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
        "io.k8s.apimachinery.pkg.runtime.RawExtension",
    }
)
"""Definitions without fields that hold anything; others hold nothing."""

CRD_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_LENIENT = f"{CRD_SCHEMA}#lenient"
_LISTED = {"type": "array", "items": {"ref": _LENIENT}}
EITHER: Mapping[str, Any] = {
    f"{CRD_SCHEMA}OrArray": {"when": {"object": {"ref": _LENIENT}, "array": _LISTED}},
    f"{CRD_SCHEMA}OrBool": {"format": "map-or-boolean", "when": {"object": {"ref": _LENIENT}}},
    f"{CRD_SCHEMA}OrStringArray": {"when": {"object": {"ref": _LENIENT}}},
}
"""Parts of CRDs that may have one of two types, which the published schema leaves open; the API server reads them in
code that knows types, and passes over unknown fields."""

OPTIONAL = frozenset(
    {
        ("io.k8s.api.scheduling.v1.PriorityClass", "value"),
        ("io.k8s.api.batch.v1.PodFailurePolicy", "rules"),
        ("io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern", "status"),
        ("io.k8s.api.core.v1.ConfigMapNodeConfigSource", "kubeletConfigKey"),
        ("io.k8s.api.core.v1.ConfigMapNodeConfigSource", "name"),
        ("io.k8s.api.core.v1.ConfigMapNodeConfigSource", "namespace"),
        ("io.k8s.api.core.v1.ContainerResizePolicy", "restartPolicy"),
        ("io.k8s.api.core.v1.Event", "involvedObject"),
        ("io.k8s.api.core.v1.EvictionResponder", "name"),
        ("io.k8s.api.core.v1.EvictionResponder", "priority"),
        ("io.k8s.api.core.v1.HTTPHeader", "value"),
        ("io.k8s.api.core.v1.ISCSIPersistentVolumeSource", "lun"),
        ("io.k8s.api.core.v1.ISCSIVolumeSource", "lun"),
        ("io.k8s.api.core.v1.LimitRangeSpec", "limits"),
        ("io.k8s.api.core.v1.PreferredSchedulingTerm", "preference"),
        ("io.k8s.api.core.v1.ScaleIOPersistentVolumeSource", "secretRef"),
        ("io.k8s.api.core.v1.ScaleIOVolumeSource", "secretRef"),
        ("io.k8s.api.core.v1.SleepAction", "seconds"),
        ("io.k8s.api.core.v1.Sysctl", "value"),
        ("io.k8s.api.rbac.v1.RoleRef", "apiGroup"),
        ("io.k8s.api.storage.v1.CSIDriver", "spec"),
        ("io.k8s.api.storage.v1.CSINode", "spec"),
        ("io.k8s.api.storage.v1.CSINodeSpec", "drivers"),
        ("io.k8s.api.storage.v1.TokenRequest", "audience"),
        ("io.k8s.api.discovery.v1.EndpointSlice", "endpoints"),
        ("io.k8s.api.discovery.v1.ForNode", "name"),
        ("io.k8s.api.discovery.v1.ForZone", "name"),
        ("io.k8s.api.networking.v1.NetworkPolicySpec", "podSelector"),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.GroupResource", "group"),
        *(
            (f"io.k8s.api.resource.{version}.{kind}", field)
            for version in ("v1", "v1beta1", "v1beta2")
            for kind, field in (
                ("CapacityRequestPolicyRange", "min"),
                ("Counter", "value"),
                ("DeviceCapacity", "value"),
                ("DeviceDerivedAttribute", "expression"),
                ("DeviceDerivedAttribute", "name"),
                ("ResourcePool", "generation"),
            )
        ),
    }
)
"""Fields that the published schema requires, and the API server fills in, or takes for empty, where they are absent."""

_FUNCTION = re.compile(r"^func schema_(\w+)\(ref ")
_PROPERTY = re.compile(r'^\t{5}"([^"]+)": \{$')
_ENUM = re.compile(r"\bEnum:\s+\[\]interface\{\}\{(.*)\},$")
_LIFECYCLE = re.compile(
    r"func \(in \*(\w+)\) APILifecycle(Deprecated|Removed)\(\) \(major, minor int\) \{\s+return (\d+), (\d+)\s"
)
_REPLACEMENT = re.compile(
    r"func \(in \*(\w+)\) APILifecycleReplacement\(\) .*?"
    r'GroupVersionKind\{Group: "([^"]*)", Version: "([^"]*)", Kind: "([^"]*)"\}',
    re.DOTALL,
)
_GROUP = re.compile(r'GroupName = "([^"]*)"')


@dataclass(slots=True)
class Pack:
    """What is packed: the pool of definitions, and the kinds and definitions of each version."""

    pool: list[Any] = field(default_factory=list)
    versions: dict[str, Any] = field(default_factory=dict)
    lifecycle: dict[str, Any] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        version: str,
        swagger: Mapping[str, Any],
        enums: Mapping[str, Any],
        defaults: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Add one version of Kubernetes."""
        kinds = dict(sorted(served(swagger)))
        roots = [name for name, _ in kinds.values()]
        wanted = reachable(swagger["definitions"], *roots)
        made = {name: definition(name, swagger["definitions"][name], enums, defaults) for name in wanted}
        for name in {*wanted} - {*reachable(swagger["definitions"], *roots, without="status")}:
            made[name] = lenient(made[name], "required", "choices")  # a write of an object writes no status
        if CRD_SCHEMA in made:
            made[_LENIENT] = _renamed(lenient(made[CRD_SCHEMA], "required", "additionalProperties"))
        found = {name: self._placed(schema) for name, schema in made.items()}
        self.versions[version] = {"kinds": kinds, "definitions": found}

    def content(self) -> bytes:
        """Return the bytes of the package file."""
        told = {"pool": self.pool, "versions": self.versions, "lifecycle": self.lifecycle}
        written = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
        return lzma.compress(written, preset=9 | lzma.PRESET_EXTREME)

    def _placed(self, schema: Any) -> int:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._known:
            self._known[key] = len(self.pool)
            self.pool.append(schema)
        return self._known[key]


def served(swagger: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield each kind that can be created, with the name of its definition and whether it is in a namespace."""
    for path, methods in swagger["paths"].items():
        call = methods.get("post")
        if not call or "{name}" in path or "x-kubernetes-group-version-kind" not in call:
            continue
        kind = call["x-kubernetes-group-version-kind"]
        body = next(each for each in call["parameters"] if each.get("in") == "body")
        version = f"{kind['group']}/{kind['version']}".removeprefix("/")
        name = body["schema"]["$ref"].removeprefix("#/definitions/")
        yield f"{version}/{kind['kind']}", (name, "/namespaces/{namespace}/" in path)


def reachable(definitions: Mapping[str, Any], *roots: str, without: str = "") -> list[str]:
    """Return the names of definitions that some refer to, but for a field, and their own."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            fields = dict(definitions[name].get("properties", {}))
            fields.pop(without, None)
            waiting.extend(references({**definitions[name], "properties": fields}))
    return sorted(found)


def references(value: Any) -> Iterator[str]:
    """Yield the names of definitions that a schema refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix("#/definitions/")
        for each in value.values():
            yield from references(each)


def definition(
    name: str,
    schema: Mapping[str, Any],
    enums: Mapping[str, Any],
    defaults: Mapping[str, Mapping[str, Any]],
) -> Any:
    """Return a definition as it is packed."""
    if name in SPECIAL or name in EITHER:
        return SPECIAL.get(name) or EITHER[name]
    packed = slim(schema, defaults)
    if packed.get("type") == "object" and len(packed) == 1 and name not in FREE:
        packed["additionalProperties"] = False
    properties = packed.get("properties", {})
    for one, choices in enums.get(name, {}).items():
        if one in properties:
            inner = properties[one]
            while "items" in inner or isinstance(inner.get("additionalProperties"), dict):
                inner = inner.get("items") or inner["additionalProperties"]
            inner["choices"] = choices
    needed = [
        each
        for each in packed.pop("required", ())
        if (name, each) not in OPTIONAL and properties.get(each, {}).get("type") != "boolean"
    ]
    return {**packed, **({"required": needed} if needed else {})}


def slim(schema: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a schema without prose and without what only clients need; objects with fields have no others.

    `keys` are those in which entries of a list must differ, with their defaults; all entries of a `set` must differ.
    """
    if "$ref" in schema:
        return {"ref": schema["$ref"].removeprefix("#/definitions/")}
    found = {key: schema[key] for key in KEPT if key in schema}
    if "properties" in schema:
        found["properties"] = {name: slim(each, defaults) for name, each in schema["properties"].items()}
        found["additionalProperties"] = False
    if "items" in schema:
        found["items"] = slim(schema["items"], defaults)
    match schema.get("x-kubernetes-list-type"):
        case "map":
            of_items = defaults.get(found["items"].get("ref", ""), {})
            found["keys"] = {key: of_items.get(key) for key in schema["x-kubernetes-list-map-keys"]}
        case "set":
            found["set"] = True
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = slim(schema["additionalProperties"], defaults)
    return found


def lenient(schema: Any, *rules: str) -> Any:
    """Return a packed schema without some rules; where `additionalProperties` is a schema, it is none."""
    if isinstance(schema, list):
        return [lenient(each, *rules) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: lenient(each, *rules)
        for name, each in schema.items()
        if name not in rules or isinstance(each, dict)  # a field may have the name of a rule
    }


def _renamed(schema: Any) -> Any:
    """Return the schema of schemas with references to its lenient form."""
    if isinstance(schema, list):
        return [_renamed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("ref") == CRD_SCHEMA:
        return {"ref": _LENIENT}
    return {name: _renamed(each) for name, each in schema.items()}


def defaults(module: Path) -> dict[str, dict[str, str]]:
    """Return the texts that the API server fills in, by definition and field; only the newer OpenAPI files say them."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted((module / "api/openapi-spec/v3").glob("*.json")):
        for name, schema in json.loads(file.read_bytes()).get("components", {}).get("schemas", {}).items():
            for one, each in schema.get("properties", {}).items():
                if isinstance(each.get("default"), str):
                    found.setdefault(name, {})[one] = each["default"]
    return found


def enums(source: str, definitions: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Return the allowed values of fields, by definition and field, from the module's generated Go code.

    The published OpenAPI files lack them.
    """
    names = {name.replace("-", "").split(".", 2)[-1].replace(".", "_"): name for name in definitions}
    found: dict[str, dict[str, list[str]]] = {}
    owner = one = ""
    for line in source.splitlines():
        if match := _FUNCTION.match(line):
            _, _, rest = match[1].partition("_")
            owner = names.get(rest, "")
        elif match := _PROPERTY.match(line):
            one = match[1]
        elif owner and (match := _ENUM.search(line)):
            found.setdefault(owner, {})[one] = json.loads(f"[{match[1]}]")
    return found


def lifecycle(module: Path) -> dict[str, dict[str, str]]:
    """Return when API versions are deprecated and removed, and what replaces them, from the module `k8s.io/api`."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(module.glob("*/*/zz_generated.prerelease-lifecycle.go")):
        group = _GROUP.search((file.parent / "register.go").read_text())
        version = f"{group[1] if group else ''}/{file.parent.name}".removeprefix("/")
        text = file.read_text()
        for kind, event, major, minor in _LIFECYCLE.findall(text):
            if not kind.endswith("List"):
                found.setdefault(f"{version}/{kind}", {})[event.lower()] = f"{major}.{minor}"
        for kind, *replacement in _REPLACEMENT.findall(text):
            if not kind.endswith("List"):
                instead = f"{replacement[0]}/{replacement[1]}".removeprefix("/")
                found.setdefault(f"{version}/{kind}", {})["instead"] = f"{instead} {replacement[2]}"
    return found
