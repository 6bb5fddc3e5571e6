"""Fill in the template of an ApplicationSet, in both of its languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Params: TypeAlias = Mapping[str, Any]

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FIELD = re.compile(r"\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_INDEX = re.compile(r'index\s+(\.[\w.]+)\s+(?:(\d+)|"([^"\\]*)")', re.ASCII)
_WRONG_NAME = re.compile(r"[^a-z0-9.-]", re.ASCII)


class TemplateError(ValueError):
    """A template names what is not there, or says what cannot be read here."""


def filled(template: Any, params: Params, *, go: bool) -> Any:
    """Return a template with its parameters filled in, in keys and values.

    Args:
        template: any part of one.
        params: nested for Go templates, else flat, with names such as `path.basename`.
        go: whether it is a Go template.

    Raises:
        TemplateError: it cannot be filled in.
    """
    if isinstance(template, Mapping):
        return {filled(key, params, go=go): filled(value, params, go=go) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(item, params, go=go) for item in template]
    if not isinstance(template, str):
        return template
    of: Callable[[str, Params], Any] = _of_go if go else _of_name
    return _PLACE.sub(lambda found: _text(of(found[1].strip(), params)), template)


def flattened(value: Any, prefix: str = "") -> dict[str, str]:
    """Return nested parameters by dotted names, all of them texts."""
    if isinstance(value, Mapping):
        pairs = ((f"{prefix}.{key}" if prefix else str(key), item) for key, item in value.items())
    elif isinstance(value, list):
        pairs = ((f"{prefix}.{number}", item) for number, item in enumerate(value))
    else:
        return {prefix: _text(value)}
    return {name: text for key, item in pairs for name, text in flattened(item, key).items()}


def normalized(text: str) -> str:
    """Return a text as a name of Kubernetes, by the rule of Argo CD."""
    return _WRONG_NAME.sub("-", text.lower())[:253].strip("-.")


def _of_name(name: str, params: Params) -> Any:
    if name not in params:
        raise TemplateError(f"{{{{{name}}}}} is not a parameter of the generator")
    return params[name]


def _of_go(expression: str, params: Params) -> Any:
    if _FIELD.fullmatch(expression):
        return _at(expression, expression.strip(".").split("."), params)
    if found := _INDEX.fullmatch(expression):
        steps = [*found[1].strip(".").split("."), int(found[2]) if found[2] else found[3]]
        return _at(expression, steps, params)
    message = (
        "of Go templates only {{.field}} and {{index .field 0}} can be read here: make a list generator of it"
    )
    raise TemplateError(f"{{{{{expression}}}}}: {message}")


def _at(expression: str, steps: list[Any], params: Params) -> Any:
    value: Any = params
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError) as error:
            raise TemplateError(f"{{{{{expression}}}}} is not a parameter of the generator") from error
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
