"""Check stored specs by the CRD's own schema, which may be newer than the one that admitted them.

The rules are read from the CRD, so that the API server and the operator always agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import jsonschema
from jsonschema.protocols import Validator

from towline.api import durations
from towline.model import Body

_RULES = "x-kubernetes-validations"
_MATCHES = re.compile(r'(!?)self(?:\.\w+)?\.matches\(r"([^"]*)"\)')
_WITHIN = re.compile(
    r'self\.matches\(r"([^"]*)"\) && '
    r'duration\(self\) >= duration\("(\w+)"\) && duration\(self\) <= duration\("(\w+)"\)'
)
_AT_MOST_ONE = re.compile(r"\[((?:has\(self\.\w+\)(?:, )?)+)\]\.filter\(given, given\)\.size\(\) <= 1")
_HAS = re.compile(r"has\(self\.(\w+)\)")
_TYPES = {
    "string": "a string",
    "boolean": "true or false",
    "integer": "a whole number",
    "array": "a list",
    "object": "a map",
}

Faults: TypeAlias = Iterator[jsonschema.ValidationError]


class SchemaFault(NamedTuple):
    """One thing that is wrong: a field as people write it (`spec.ref.branch`), and why, not its value."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of a CRD's spec as the CRD writes it, and ready to check with."""

    spec: Body
    validator: Validator

    def faults(self, spec: Body) -> tuple[SchemaFault, ...]:
        """Return all that is wrong with a spec, by field. Values are not repeated: they may be secret."""
        found = {SchemaFault(_field(error), _message(error)) for error in self.validator.iter_errors(spec)}
        return tuple(sorted(found))


def validator(crd: Body) -> Schema:
    """Return the validator for the spec of a CustomResourceDefinition with one version.

    Raises:
        ValueError: it has a CEL rule in an unknown form.
    """
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for rule in _rules(spec):
        _broken(rule, None)
    checker = jsonschema.validators.extend(jsonschema.Draft202012Validator, _CHECKS)  # type: ignore[no-untyped-call]  # it has no types
    return Schema(spec, checker(_closed(spec)))


def defaults(schema: Schema) -> Body:
    """Return the defaults of the spec's own fields."""
    return {name: field["default"] for name, field in schema.spec["properties"].items() if "default" in field}


def _closed(schema: Any) -> Any:
    """Return a structural schema as a JSON schema that refuses unknown fields, as a strict client does."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed


def _rules(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (rule["rule"] for rule in schema.get(_RULES, ()))
        for value in schema.values():
            yield from _rules(value)


def _check_rules(_validator: Validator, rules: list[Body], instance: Any, _schema: Body) -> Faults:
    for rule in rules:
        field = rule.get("fieldPath", "").removeprefix(".")
        if _broken(rule["rule"], _child(instance, field) if field else instance):
            yield jsonschema.ValidationError(rule["message"], path=[field] if field else [])


def _child(instance: Any, field: str) -> Any:
    return instance.get(field) if isinstance(instance, dict) else None


def _check_pattern(_validator: Validator, pattern: str, instance: Any, _schema: Body) -> Faults:
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield jsonschema.ValidationError(f"must match {pattern}")


def _check_required(_validator: Validator, required: list[str], instance: Any, _schema: Body) -> Faults:
    if isinstance(instance, dict):
        for name in required:
            if name not in instance:
                yield jsonschema.ValidationError("is required", path=[name])


def _check_unknown(validator: Validator, others: bool | Body, instance: Any, schema: Body) -> Faults:  # noqa: FBT001  the signature is the library's
    for name, value in instance.items() if isinstance(instance, dict) else ():
        if isinstance(others, Mapping):
            yield from validator.descend(value, others, path=name)  # type: ignore[attr-defined]  # the protocol lacks it
        elif name not in schema["properties"]:
            yield jsonschema.ValidationError("is not a field of a GitRepository", path=[name])


def _broken(rule: str, value: Any) -> bool:
    """Evaluate one CEL rule; a value of a wrong type satisfies it, because another keyword reports that.

    Raises:
        ValueError: the rule has an unknown form.
    """
    if rule == "false":
        return value is not None
    if match := _MATCHES.fullmatch(rule):
        return isinstance(value, str) and bool(_compiled(match[2]).search(value)) == bool(match[1])
    if match := _WITHIN.fullmatch(rule):
        return isinstance(value, str) and not _within(value, *match.groups())
    if match := _AT_MOST_ONE.fullmatch(rule):
        return isinstance(value, dict) and sum(name in value for name in _HAS.findall(match[1])) > 1
    raise ValueError(f"a rule of the CRD is not understood: {rule}")


def _within(text: str, pattern: str, low: str, high: str) -> bool:
    if not _compiled(pattern).search(text):
        return False
    try:
        return durations.parse(low) <= durations.parse(text) <= durations.parse(high)
    except ValueError:
        return False


def _compiled(pattern: str) -> re.Pattern[str]:
    r"""Compile an RE2 pattern: there `$` is the very end (not before a newline), `\d` is ASCII."""
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern), re.ASCII)


def _field(error: jsonschema.ValidationError) -> str:
    parts = ("spec", *error.absolute_path)
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in parts)[1:]


def _name(part: object) -> str:
    """Return a key as it is, or quoted and cut where it is not a plain word."""
    text = str(part)
    return text if text.isascii() and text.isidentifier() and len(text) <= 63 else repr(text[:63])


def _message(error: jsonschema.ValidationError) -> str:
    sentence = _SENTENCES.get(str(error.validator))
    return sentence(error.validator_value) if sentence else error.message


_SENTENCES: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "type": lambda name: f"must be {_TYPES.get(name, name)}",
        "enum": lambda values: f"must be one of {', '.join(values)}",
        "minLength": lambda _: "must not be empty",
        "maxLength": lambda most: f"must have at most {most} characters",
        "minimum": lambda least: f"must be at least {least}",
        "maxItems": lambda most: f"must have at most {most} entries",
        "minItems": lambda _: "must not be empty",
        "maxProperties": lambda most: f"must have at most {most} entries",
        "minProperties": lambda _: "must not be empty",
    }
)
"""Sentences for the keywords whose own messages would repeat the value."""

_CHECKS = {
    _RULES: _check_rules,
    "pattern": _check_pattern,
    "required": _check_required,
    "additionalProperties": _check_unknown,
}
