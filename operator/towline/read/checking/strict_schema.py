"""Check objects by schemas as strictly as the API server does with `fieldValidation=Strict`.

Two kinds of schemas are understood: those of Kubernetes as `python -m e2e.schemas` packs them, and those of CRDs as
`closed_crd` makes them. No message repeats a value: it may be secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import jsonschema
from jsonschema.protocols import Validator

from towline import text
from towline.errors import Refusal
from towline.fields import pointer
from towline.model import Body
from towline.read.checking import list_rules, re2_patterns, value_formats
from towline.read.checking.manifest_finding import FindingRule

_TYPES = {
    "string": "a string",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a map",
}
_SHOWN = 100  # bytes of a name
_MOST = 100  # errors of one object; a generated one may repeat its mistake


class SchemaError(NamedTuple):
    """What is wrong with one field of an object; `field` is a JSON pointer."""

    rule: str
    field: str
    message: str


_Errors: TypeAlias = Iterator[jsonschema.ValidationError]


def errors(schema: Body, definitions: Mapping[str, Body], body: Body) -> tuple[SchemaError, ...]:
    """Return what is wrong with an object.

    Args:
        schema: that of its kind.
        definitions: what a `ref` in it names.
        body: the object.
    """
    checker = _checker(schema, definitions)
    found: dict[str, SchemaError] = {}
    for error in checker.iter_errors(body):
        told = _told(error)
        found.setdefault(told.field, told)
        if len(found) >= _MOST:
            break
    return tuple(found.values())


def _told(error: jsonschema.ValidationError) -> SchemaError:
    keyword = str(error.validator)
    sentence = _SENTENCES.get(keyword)
    message = sentence(error.validator_value) if sentence else error.message
    rule = _REASONS.get(keyword, Refusal.INVALID)
    return SchemaError(rule, pointer.join(error.absolute_path), message)


def _type(validator: Validator, wanted: str, instance: Any, _schema: Body) -> _Errors:
    if instance is not None and wanted in _TYPES and not validator.is_type(instance, wanted):
        advice = _advice(wanted, instance)
        yield jsonschema.ValidationError(f"must be {_TYPES.get(wanted, wanted)}{advice}")


def _advice(wanted: str, instance: Any) -> str:
    if wanted == "string" and isinstance(instance, bool | int | float):
        return "; quote it"
    if wanted in {"integer", "boolean", "number"} and isinstance(instance, str):
        return "; write it without quotes"
    return ""


def _format(_validator: Validator, name: str, instance: Any, _schema: Body) -> _Errors:
    check = value_formats.ALL.get(name)
    if check and instance is not None and (message := check(instance)):
        yield jsonschema.ValidationError(message)


def _properties(validator: Validator, fields: Body, instance: Any, _schema: Body) -> _Errors:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        if name in fields:
            yield from validator.descend(value, fields[name], path=name)  # type: ignore[attr-defined]  # the protocol lacks it


def _others(validator: Validator, others: bool | Body, instance: Any, schema: Body) -> _Errors:  # noqa: FBT001  the signature is the library's
    fields = schema.get("properties", {})
    for name, value in instance.items() if isinstance(instance, dict) else ():
        if name in fields or others is True:
            continue
        if isinstance(others, Mapping):
            yield from validator.descend(value, others, path=name)  # type: ignore[attr-defined]  # the protocol lacks it
        else:
            near = get_close_matches(name, fields, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            shown = text.printable(name, _SHOWN)
            yield jsonschema.ValidationError(f"{shown} is not a field here{meant}", path=[name])


def _items(validator: Validator, item: Body, instance: Any, _schema: Body) -> _Errors:
    several = isinstance(instance, list) and isinstance(item, Mapping)
    for index, value in enumerate(instance) if several else ():
        yield from validator.descend(value, item, path=index)  # type: ignore[attr-defined]  # the protocol lacks it


def _when(validator: Validator, forms: Mapping[str, Body], instance: Any, _schema: Body) -> _Errors:
    """Check a field that may have several types by the schema of the type that it has; others are free."""
    for name, schema in forms.items():
        if validator.is_type(instance, name):
            yield from validator.descend(instance, schema)  # type: ignore[attr-defined]  # the protocol lacks it


def _required(_validator: Validator, names: list[str], instance: Any, schema: Body) -> _Errors:
    fields = schema.get("properties", {})
    for name in names if isinstance(instance, dict) else ():
        field = fields.get(name, {})
        may_be_null = field.get("nullable") and name in instance
        if instance.get(name) is None and not may_be_null and "default" not in field:
            yield jsonschema.ValidationError(f"{name} is required", path=[name])


def _choices(_validator: Validator, choices: list[str], instance: Any, _schema: Body) -> _Errors:
    """Check a field of Kubernetes itself, where an empty text counts as absent."""
    if isinstance(instance, str) and instance and instance not in choices:
        yield jsonschema.ValidationError("unknown value")  # the sentence is that of the keyword


def _enum(_validator: Validator, values: list[Any], instance: Any, _schema: Body) -> _Errors:
    if instance is None:  # told already where it may not be null
        return
    if not any(type(instance) is type(each) and instance == each for each in values):
        yield jsonschema.ValidationError("unknown value")


def _pattern(_validator: Validator, pattern: str, instance: Any, _schema: Body) -> _Errors:
    if isinstance(instance, str) and not re2_patterns.matches(pattern, instance):
        yield jsonschema.ValidationError(f"must match {pattern}")


def _null(_validator: Validator, allowed: bool, instance: Any, _schema: Body) -> _Errors:  # noqa: FBT001  the signature is the library's
    if instance is None and not allowed:
        yield jsonschema.ValidationError("must not be null")


def _minimum(_validator: Validator, least: float, instance: Any, schema: Body) -> _Errors:
    open_end = schema.get("exclusiveMinimum") is True
    if _is_number(instance) and (instance < least or (open_end and instance == least)):
        yield jsonschema.ValidationError(f"must be {'more than' if open_end else 'at least'} {least}")


def _maximum(_validator: Validator, most: float, instance: Any, schema: Body) -> _Errors:
    open_end = schema.get("exclusiveMaximum") is True
    if _is_number(instance) and (instance > most or (open_end and instance == most)):
        yield jsonschema.ValidationError(f"must be {'less than' if open_end else 'at most'} {most}")


def _multiple_of(_validator: Validator, unit: float, instance: Any, _schema: Body) -> _Errors:
    if _is_number(instance) and unit and Fraction(str(instance)) % Fraction(str(unit)):
        yield jsonschema.ValidationError(f"must be a multiple of {unit}")


def _is_number(instance: Any) -> bool:
    return isinstance(instance, int | float) and not isinstance(instance, bool)


def _either(_validator: Validator, wanted: bool, instance: Any, _schema: Body) -> _Errors:  # noqa: FBT001  the signature is the library's
    if wanted and instance is not None and (message := value_formats.int_or_string(instance)):
        yield jsonschema.ValidationError(message)


def _list(values: list[Any]) -> str:
    return ", ".join(text.printable(str(each), _SHOWN) or '""' for each in values)


_SENTENCES: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "enum": lambda values: f"must be one of {_list(values)}",
        "choices": lambda values: f"must be one of {_list(values)}",
        "pattern": lambda pattern: f"must match {pattern}",
        "minLength": lambda least: f"must have at least {least} characters",
        "maxLength": lambda most: f"must have at most {most} characters",
        "minItems": lambda least: f"must have at least {least} entries",
        "maxItems": lambda most: f"must have at most {most} entries",
        "minProperties": lambda least: f"must have at least {least} entries",
        "maxProperties": lambda most: f"must have at most {most} entries",
        "uniqueItems": lambda _: "must not have an entry twice",
        "anyOf": lambda _: "must have one of the forms that its schema allows",
        "oneOf": lambda _: "must have exactly one of the forms that its schema allows",
        "not": lambda _: "has a form that its schema excludes",
    }
)
"""Sentences for the keywords whose own messages would repeat the value."""

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "type": Refusal.WRONG_TYPE,
        "null": Refusal.WRONG_TYPE,
        "format": Refusal.WRONG_TYPE,
        "x-kubernetes-int-or-string": Refusal.WRONG_TYPE,
        "additionalProperties": Refusal.UNKNOWN_FIELD,
        "required": FindingRule.MISSING_FIELD,
    }
)

_KEYWORDS: Mapping[str, Any] = MappingProxyType(
    {
        "type": _type,
        "null": _null,
        "format": _format,
        "properties": _properties,
        "additionalProperties": _others,
        "items": _items,
        "required": _required,
        "choices": _choices,
        "enum": _enum,
        "pattern": _pattern,
        "keys": list_rules.keys,
        "set": list_rules.distinct,
        "when": _when,
        "multipleOf": _multiple_of,
        "minimum": _minimum,
        "maximum": _maximum,
        "x-kubernetes-int-or-string": _either,
    }
)


def _checker(schema: Body, definitions: Mapping[str, Body]) -> Validator:
    def ref(validator: Validator, name: str, instance: Any, _schema: Body) -> _Errors:
        yield from validator.descend(instance, definitions[name])  # type: ignore[attr-defined]  # the protocol lacks it

    unused = dict.fromkeys(("$ref", "dependencies", "patternProperties", "additionalItems"), _nothing)
    made = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # it has no types
        jsonschema.Draft4Validator,
        {**_KEYWORDS, **unused, "ref": ref},
        type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER,
    )
    found: Validator = made(schema)
    return found


def _nothing(_validator: Validator, _value: Any, _instance: Any, _schema: Body) -> _Errors:
    return iter(())
