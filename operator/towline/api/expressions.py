"""CEL expressions about one object: compiled and type-checked when a spec is read, evaluated within bounds.

The library counts the steps of comprehensions (10,000 for one evaluation) and the depth of an expression; what it does
not bound, the size of an object and comprehensions inside comprehensions, is bounded here and by who evaluates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from towline.api import patterns

LONGEST = 1024
"""Characters of one expression."""

LARGEST_PATTERNS = 200
"""The limit on the size of all regular expressions together: each is compiled for every text it is matched with."""

VARIABLES = ("metadata", "spec", "status")
"""The parts of an object that an expression may use."""

_COMPLAINT = re.compile(r"ERROR: <input>:\d+:(\d+): (.*)")
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_MATCH = re.compile(r"(?P<method>\.\s*)?\bmatches\s*\(\s*(?P<quoted>''\s*\))?")
_TEXT = re.compile(
    r"""
    (?P<comment> //[^\n]* )
    | [bB]?[rR] (?: '{3}.*?'{3} | "{3}.*?"{3} | '[^']*' | "[^"]*" )
    | [bB]? (?: '{3}(?:\\.|[^\\])*?'{3} | "{3}(?:\\.|[^\\])*?"{3} | '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" )
    """,
    re.DOTALL | re.VERBOSE,
)


class ExpressionError(ValueError):
    """An expression is wrong, or cannot be evaluated for this object; the message is for people."""


def check(text: str) -> None:
    """Compile an expression.

    Raises:
        ExpressionError: it is malformed, uses an unknown name, or its result is not true or false.
    """
    bare = _TEXT.sub(lambda found: " " if found["comment"] else "''", text)
    if _nests(bare):
        raise ExpressionError("must not use all, exists, filter or map inside one another")
    _compiled(text)
    _check_patterns(bare, [found[0] for found in _TEXT.finditer(text) if not found["comment"]])


def holds(text: str, variables: Mapping[str, Any]) -> bool:
    """Evaluate an expression that was checked; `variables` hold what JSON can.

    Raises:
        ExpressionError: it cannot be evaluated for this object, for example because a field is missing.
    """
    try:
        result = _compiled(text).eval(data=dict(variables))
        found, kind = result.value(), result.type().name()
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise ExpressionError(_without_values(_plain(str(error)), text)) from error
    if kind == "ERROR":
        raise ExpressionError(_without_values(_plain(str(found)), text))
    if not isinstance(found, bool):
        raise ExpressionError("is neither true nor false")
    return found


def matches(pattern: str, value: str) -> bool:
    """Tell whether a part of a text matches a regular expression of RE2, which is that of Go.

    Raises:
        ExpressionError: the regular expression is malformed or too large.
    """
    if patterns.size(pattern) > LARGEST_PATTERNS:
        raise ExpressionError("must not be a regular expression that is so large, repetitions counted")
    found = f"metadata.value.matches({json.dumps(pattern, ensure_ascii=False)})"
    return holds(found, {"metadata": {"value": value}})


@lru_cache(maxsize=512)
def _compiled(text: str) -> Any:
    try:
        expression = _environment().compile(text)
    except RuntimeError as error:
        raise ExpressionError(_complaint(str(error))) from error
    if expression.return_type().name() not in {"BOOL", "DYN"}:
        raise ExpressionError("must be true or false")
    return expression


@lru_cache(maxsize=1)
def _environment() -> Any:
    from cel_expr_python import cel

    anything = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(variables=dict.fromkeys(VARIABLES, anything))


def _nests(bare: str) -> bool:
    """Tell whether one comprehension is inside another, in an expression without its quoted texts."""
    for macro in _MACRO.finditer(bare):
        depth = 1
        for place in range(macro.end(), len(bare)):
            depth += {"(": 1, ")": -1}.get(bare[place], 0)
            if not depth:
                break
            if _MACRO.match(bare, place):
                return True
    return False


def _check_patterns(bare: str, quoted: Sequence[str]) -> None:
    """Refuse regular expressions that are not literals, or would take long; `quoted` are all quoted texts."""
    total = 0
    for found in _MATCH.finditer(bare):
        if not (found["method"] and found["quoted"]):
            raise ExpressionError('must match by text.matches("pattern"), with the pattern in quotes')
        literal = quoted[bare.count("''", 0, found.start("quoted"))]
        total += patterns.size(str(_unquoted(literal)))
    if total > LARGEST_PATTERNS:
        raise ExpressionError("must not match by regular expressions that are so large, repetitions counted")


def _unquoted(literal: str) -> Any:
    """Return the value of a quoted text."""
    return _environment().compile(literal).eval(data={}).value()


def _complaint(text: str) -> str:
    if found := _COMPLAINT.search(text):
        return f"column {found[1]}: {found[2]}".removesuffix(" (in container '')")
    return _plain(text)


def _without_values(message: str, text: str) -> str:
    """Remove values of the object that the library quotes: they may be secret, unlike the expression."""
    message = re.sub(r'"(.*)"', lambda quoted: quoted[0] if quoted[1] in text else '"***"', message)
    return re.sub(r"(invalid regular expression): .*", r"\1", message)


def _plain(text: str) -> str:
    """Remove the name of the status that the library puts before and after its message."""
    first = text.partition("\n")[0]
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", first)
