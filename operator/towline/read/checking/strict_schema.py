"""Check objects by schemas as strictly as the API server does with `fieldValidation=Strict`.

Two kinds of schemas are understood: those of Kubernetes as `python -m e2e.schemas` packs them, and those of CRDs as
`closed_crd` makes them. No message repeats a value: it may be secret.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import jsonschema
from jsonschema.protocols import Validator

from towline import text
from towline.errors import Refusal
from towline.fields import pointer, quantity
from towline.model import Body
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

_RANGES = {"int32": 2**31, "int64": 2**63}
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


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
    check = _FORMATS.get(name)
    if check and instance is not None and (message := check(instance)):
        yield jsonschema.ValidationError(message)


def _whole(bound: int, instance: Any) -> str:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return ""
    return "" if -bound <= instance < bound else f"must be from {-bound} to {bound - 1}"


def _bytes(instance: Any) -> str:
    try:
        if isinstance(instance, str):
            base64.b64decode(re.sub(r"[\r\n]", "", instance), validate=True)
    except (binascii.Error, ValueError):
        return "must be base64"
    return ""


def _date_time(instance: Any) -> str:
    if not isinstance(instance, str):
        return ""
    try:
        if _DATE_TIME.fullmatch(instance):
            datetime.fromisoformat(instance[:19].upper())
            return ""
    except ValueError:
        pass
    return "must be a time as RFC 3339 writes it: 2026-01-02T15:04:05Z"


def _quantity(instance: Any) -> str:
    is_one = not isinstance(instance, bool | list | dict) and quantity.parse(instance) is not None
    return "" if is_one else "must be a quantity, such as 500m, 2 or 1Gi"


def _int_or_string(instance: Any) -> str:
    if isinstance(instance, str) or (isinstance(instance, int) and not isinstance(instance, bool)):
        return ""
    if isinstance(instance, float) and instance.is_integer():
        return ""
    return "must be a whole number or a string"


_FORMATS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        **{name: functools.partial(_whole, bound) for name, bound in _RANGES.items()},
        "byte": _bytes,
        "date-time": _date_time,
        "quantity": _quantity,
        "int-or-string": _int_or_string,
    }
)


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


def _enum(_validator: Validator, values: list[Any], instance: Any, schema: Body) -> _Errors:
    if instance is None and schema.get("nullable"):
        return
    if not any(type(instance) is type(each) and instance == each for each in values):
        yield jsonschema.ValidationError("unknown value")


def _pattern(_validator: Validator, pattern: str, instance: Any, _schema: Body) -> _Errors:
    compiled = _compiled(pattern)
    if isinstance(instance, str) and compiled and not compiled.search(instance):
        yield jsonschema.ValidationError(f"must match {pattern}")


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
    if wanted and instance is not None and (message := _int_or_string(instance)):
        yield jsonschema.ValidationError(message)


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern of RE2, as far as Python knows it."""
    try:
        return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern), re.ASCII)
    except (re.error, RecursionError, OverflowError):
        return None


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
        "format": Refusal.WRONG_TYPE,
        "x-kubernetes-int-or-string": Refusal.WRONG_TYPE,
        "additionalProperties": Refusal.UNKNOWN_FIELD,
        "required": FindingRule.MISSING_FIELD,
    }
)

_KEYWORDS: Mapping[str, Any] = MappingProxyType(
    {
        "type": _type,
        "format": _format,
        "properties": _properties,
        "additionalProperties": _others,
        "items": _items,
        "required": _required,
        "choices": _choices,
        "enum": _enum,
        "pattern": _pattern,
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
