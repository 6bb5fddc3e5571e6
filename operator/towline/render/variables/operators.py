"""What the operators inside `${…}` do to a value, as drone/envsubst does it in Go."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from towline.render.variables import wildcards

_STEPS = 10
"""How much longer one character takes to be matched than to be copied, or more."""
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")

Operator: TypeAlias = Callable[[str, tuple[str, ...], "Budget"], str]


class OperatorError(ValueError):
    """An operator cannot work with its arguments."""


class SpentError(ValueError):
    """What variables expand to is more than there is room for."""


class Budget:
    """How many characters may still be read and written while the variables of one object are expanded."""

    __slots__ = ("_left",)

    def __init__(self, characters: int) -> None:
        self._left = characters

    def take(self, characters: int) -> None:
        """Spend some of it.

        Raises:
            SpentError: there is not that much left.
        """
        self._left -= characters
        if self._left < 0:
            raise SpentError


def apply(operator: str, value: str, arguments: tuple[str, ...], budget: Budget) -> str:
    """Return what an operator makes of the value of a variable.

    Args:
        operator: what stands behind the name, such as `:-` or `//`.
        value: that of the variable, empty where it has none.
        arguments: what follows the operator, its variables expanded.
        budget: what its work is taken from.

    Raises:
        OperatorError: the arguments make no sense.
        SpentError: it is more work, or a longer text, than there is room for.
    """
    budget.take(len(value) + 1)
    return _OPERATORS.get(operator, _default)(value, arguments, budget)


def length(value: str) -> str:
    """Return the length in bytes, as Go counts it."""
    return str(len(value.encode()))


def _default(value: str, arguments: tuple[str, ...], _: Budget) -> str:
    return value or "".join(arguments)


def _lower(value: str, _: tuple[str, ...], __: Budget) -> str:
    return value.lower() if value.isascii() else "".join(map(_lower_letter, value))


def _upper(value: str, _: tuple[str, ...], __: Budget) -> str:
    return value.upper() if value.isascii() else "".join(map(_upper_letter, value))


def _lower_first(value: str, _: tuple[str, ...], __: Budget) -> str:
    return _lower_letter(value[:1]) + value[1:]


def _upper_first(value: str, _: tuple[str, ...], __: Budget) -> str:
    return _upper_letter(value[:1]) + value[1:]


def _lower_letter(letter: str) -> str:
    """Return one letter for one, as Go does it; Python follows the longer rules of languages."""
    return letter.lower()[:1]


def _upper_letter(letter: str) -> str:
    upper, title = letter.upper(), letter.title()
    return upper if len(upper) == 1 else title if len(title) == 1 else letter


def _substring(value: str, arguments: tuple[str, ...], _: Budget) -> str:
    """Cut by bytes, as Go does; with a place or a length that is not a number, the value stays whole."""
    if not all(map(_NUMBER.fullmatch, arguments)):
        return value
    whole = value.encode()
    start, *lengths = map(int, arguments)
    if start < 0:
        start = max(len(whole) + start, 0)
    if lengths and lengths[0] < 0 and start + lengths[0] < len(whole):
        raise OperatorError("the length of a substring is negative")
    part = whole[start : start + lengths[0]] if lengths else whole[start:]
    try:
        return part.decode()
    except UnicodeDecodeError as error:
        raise OperatorError("a substring counts bytes, and this one cuts a character in two") from error


def _replaced(value: str, arguments: tuple[str, ...], budget: Budget, times: int) -> str:
    old, new = (*arguments, "")[:2]
    budget.take((value.count(old) if times < 0 else 1) * len(new))
    return value.replace(old, new, times)


def _replace_all(value: str, arguments: tuple[str, ...], budget: Budget) -> str:
    return _replaced(value, arguments, budget, -1)


def _replace_first(value: str, arguments: tuple[str, ...], budget: Budget) -> str:
    return _replaced(value, arguments, budget, 1)


def _replace_prefix(value: str, arguments: tuple[str, ...], _: Budget) -> str:
    if len(arguments) < 2 or not value.startswith(arguments[0]):
        return value
    return arguments[1] + value.removeprefix(arguments[0])


def _replace_suffix(value: str, arguments: tuple[str, ...], _: Budget) -> str:
    if len(arguments) < 2 or not value.endswith(arguments[0]):
        return value
    return value.removesuffix(arguments[0]) + arguments[1]


def _without_prefix(*, longest: bool) -> Operator:
    def cut(value: str, arguments: tuple[str, ...], budget: Budget) -> str:
        return value[_matched(value, arguments[0], budget, longest=longest) :]

    return cut


def _without_suffix(*, longest: bool) -> Operator:
    """Turn the value and the pattern round and cut the begin; so a class in brackets never works, as in Go."""

    def cut(value: str, arguments: tuple[str, ...], budget: Budget) -> str:
        matched = _matched(value[::-1], arguments[0][::-1], budget, longest=longest)
        return value[: len(value) - matched]

    return cut


def _matched(value: str, pattern: str, budget: Budget, *, longest: bool) -> int:
    budget.take(_STEPS * len(value) * (1 + len(pattern) // 64) + len(pattern))
    return wildcards.prefix(value, pattern, longest=longest)


_OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        ",": _lower_first,
        ",,": _lower,
        "^": _upper_first,
        "^^": _upper,
        ":": _substring,
        "/": _replace_first,
        "//": _replace_all,
        "/#": _replace_prefix,
        "/%": _replace_suffix,
        "#": _without_prefix(longest=False),
        "##": _without_prefix(longest=True),
        "%": _without_suffix(longest=False),
        "%%": _without_suffix(longest=True),
    }
)
