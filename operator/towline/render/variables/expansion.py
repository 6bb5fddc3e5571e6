"""Expand the variables of one text as drone/envsubst does, which Flux uses (fluxcd/pkg/envsubst 1.4.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.render.variables import operators
from towline.render.variables.operators import Budget

_DEEPEST = 30
_SHOWN = 60  # characters of a name


class ExpansionError(ValueError):
    """A text cannot be expanded; `at` is the place of the `${` in it, `message` never quotes a value."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """A text with its variables filled in, and the first place of each that has no value though it must have one."""

    text: str
    missing: Mapping[str, int]


def expand(text: str, values: Mapping[str, str], budget: Budget, *, strict: bool) -> Expanded:
    """Fill the variables into a text.

    Args:
        text: with `${NAME}` and its forms; `$${NAME}` is a literal `${NAME}`, and `$NAME` is no variable.
        values: by name.
        budget: what the work is taken from.
        strict: whether a variable without a default must have a value; otherwise it is empty.

    Raises:
        ExpansionError: a `${` is malformed or makes no sense, as in `${NAME` or `${NAME:0:-1}`.
        operators.SpentError: what it expands to is more than there is room for.
    """
    reader = _Expander(text, values, budget, strict=strict)
    return Expanded(text=reader.whole(), missing=reader.missing)


class _Expander:
    """Reads a text once, from left to right, and expands what it has read."""

    def __init__(self, text: str, values: Mapping[str, str], budget: Budget, *, strict: bool) -> None:
        self.missing: dict[str, int] = {}
        self._text = text
        self._values = values
        self._budget = budget
        self._strict = strict
        self._at = 0
        self._depth = 0
        self._opened = 0

    def whole(self) -> str:
        parts: list[str] = []
        while (dollar := self._text.find("$", self._at)) >= 0:
            parts.append(self._text[self._at : dollar])
            follows = self._text[dollar + 1 : dollar + 2]
            self._at = dollar + (2 if follows in {"{", "$"} else 1)
            parts.append(self._variable() if follows == "{" else "$")
        parts.append(self._text[self._at :])
        self._budget.take(len(self._text))
        return "".join(parts)

    def _variable(self) -> str:
        """Read a variable from behind its `${` to behind its `}`."""
        if self._depth == 0:
            self._opened = self._at - 2
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"variables are nested more than {_DEEPEST} deep")
        value = self._length() if self._peek() == "#" else self._named()
        self._depth -= 1
        self._budget.take(len(value) + 1)
        return value

    def _length(self) -> str:
        self._at += 1
        name = self._name()
        self._close()
        return operators.length(self._values.get(name, ""))

    def _named(self) -> str:
        name = self._name()
        operator = self._operator()
        if not operator and self._peek() != "}":
            raise self._error('a "${" has no closing brace behind its name')
        arguments = self._arguments(operator)
        self._close()
        value = self._values.get(name)
        if value is None and not operator and self._strict:
            self.missing.setdefault(name, self._opened)
        try:
            return operators.apply(operator, value or "", arguments, self._budget)
        except operators.OperatorError as error:
            raise self._error(f"the variable {name[:_SHOWN]}: {error}") from error

    def _name(self) -> str:
        start = self._at
        while (char := self._peek()) and (char == "_" or char.isalpha() or char.isdecimal()):
            self._at += 1
        if start == self._at:
            raise self._error('the name of a variable must follow "${"')
        return self._text[start : self._at]

    def _operator(self) -> str:
        """Read what stands behind a name, empty where that is the end of the variable."""
        first = self._peek()
        if first not in {":", "=", ",", "^", "/", "#", "%"}:
            return ""
        self._at += 1
        second = self._peek()
        if second and second in _SECOND.get(first, first):
            self._at += 1
            return first + second
        return first

    def _arguments(self, operator: str) -> tuple[str, ...]:
        if operator == ":":
            return self._substring()
        first = operator[:1]
        if first in {"#", "%"}:
            return (self._argument("}"),)
        if first == "/":
            return self._replacement()
        arguments: list[str] = []
        while first in {":", "="} and self._peek() != "}":
            arguments.append(self._argument("}"))
        return tuple(arguments)

    def _substring(self) -> tuple[str, ...]:
        if not self._peek().isascii():
            raise self._malformed()
        start = self._argument(":}")
        if self._peek() == "}":
            return (start,)
        self._skip(":")
        return start, self._argument("}")

    def _replacement(self) -> tuple[str, ...]:
        old = self._argument("/", escapes=True)
        self._skip("/")
        return (old,) if self._peek() == "}" else (old, self._argument("}", escapes=True))

    def _argument(self, ends: str, *, escapes: bool = False) -> str:
        """Read one argument, which is a variable or the text before the next one; it must not be empty."""
        if self._text.startswith("${", self._at):
            self._at += 2
            return self._variable()
        start, kept = self._at, []
        while (char := self._peek()) and not self._text.startswith("${", self._at):
            if escapes and self._text[self._at : self._at + 2] in {"$$", "\\/", "\\\\"}:
                self._at += 1
                char = self._peek()
            elif char in ends:
                break
            kept.append(char)
            self._at += 1
        if start == self._at:
            raise self._malformed()
        return "".join(kept)

    def _skip(self, delimiter: str) -> None:
        """Read a delimiter, which may be repeated."""
        start = self._at
        while self._peek() == delimiter:
            self._at += 1
        if start == self._at:
            raise self._malformed()

    def _close(self) -> None:
        if self._peek() != "}":
            raise self._malformed()
        self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _malformed(self) -> ExpansionError:
        if self._at >= len(self._text):
            return self._error('a "${" has no closing brace')
        return self._error('a "${" is not a form that Flux knows')

    def _error(self, message: str) -> ExpansionError:
        return ExpansionError(message, self._opened)


_SECOND: Mapping[str, str] = {":": "=-?+", "=": "", ",": ",^", "^": ",^", "/": "/#%"}
"""What may follow the first character of an operator; behind any other, the same again."""
