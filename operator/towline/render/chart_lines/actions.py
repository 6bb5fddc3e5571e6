"""Read the actions of a template: which values each of them mentions, and what `.` means where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

ValuePath: TypeAlias = tuple[str, ...]
"""The keys that lead to a value of a chart; `ANY` is each item of a list or each entry of a map."""

ANY = "*"

_MOST = 20_000
"""Actions of a template that are read."""

_LONGEST = 2000
"""Characters of an action that are read."""

_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`')
_INDEX = re.compile(r'\bindex\s+(\$?[\w.]+)((?:\s+"[^"]+")+)')
_PATH = re.compile(r"(?<![\w.\")$])(\$\w*)?((?:\.\w+)+|\.(?!\w))?")
_SILENT = re.compile(
    r"(?:if|else|end|with|range|define|block|break|continue)\b|/\*|\$\w+(?:,\s*\$\w+)?\s*:?="
)
_OPENS = re.compile(r"(if|with|range|define|block)\b\s*(.*)", re.DOTALL)
_ELSE_WITH = re.compile(r"else\s+with\s+(.*)", re.DOTALL)
_ASSIGNED = re.compile(r"(?:\$\w+\s*,\s*)?(\$\w+)\s*:?=\s*(.*)", re.DOTALL)
_BUILTIN = frozenset({"Release", "Chart", "Capabilities", "Template", "Files", "Subcharts"})


class TemplateAction(NamedTuple):
    """An action: its text without braces, where it is in the template, and the values that it mentions."""

    text: str
    begin: int
    end: int
    mentions: tuple[ValuePath, ...]

    @property
    def is_silent(self) -> bool:
        """Whether it writes nothing, as `if`, `end` or a comment."""
        return bool(_SILENT.match(self.text))


class _Scope(NamedTuple):
    """What `.` means, None where that is not known; `is_root` where it is the whole context."""

    path: ValuePath | None
    is_root: bool = False


def read(template: str) -> tuple[TemplateAction, ...]:
    """Return the actions of a template in their order, as far as they are read."""
    return tuple(islice(_read(template), _MOST))


def _read(template: str) -> Iterator[TemplateAction]:
    scopes = [_Scope(None, is_root=True)]
    outer: list[_Scope] = []
    variables: dict[str, ValuePath] = {}
    for begin, end in _places(template):
        inside = template[begin + 2 : end - 2].strip("- \t\r\n")[:_LONGEST]
        yield TemplateAction(inside, begin, end, _mentions(inside, scopes[-1], variables))
        if assigned := _ASSIGNED.match(inside):
            _assign(variables, assigned[1], _only(assigned[2], scopes[-1], variables))
        if opens := _OPENS.match(inside):
            outer.append(scopes[-1])
            scopes.append(_opened(opens[1], opens[2], scopes[-1], variables))
        elif outer and inside.startswith("else"):
            again = _ELSE_WITH.match(inside)
            scopes[-1] = _opened("with", again[1], outer[-1], variables) if again else outer[-1]
        elif outer and re.match(r"end\b", inside):
            scopes.pop()
            outer.pop()


def _places(template: str) -> Iterator[tuple[int, int]]:
    end = 0
    while (begin := template.find("{{", end)) >= 0 and (closed := template.find("}}", begin + 2)) >= 0:
        end = closed + 2
        yield begin, end


def _assign(variables: dict[str, ValuePath], name: str, path: ValuePath | None) -> None:
    if path is None:
        variables.pop(name, None)
    else:
        variables[name] = path


def _opened(word: str, of: str, scope: _Scope, variables: dict[str, ValuePath]) -> _Scope:
    """Return what `.` means inside of a block."""
    if word == "if":
        return scope
    assigned = _ASSIGNED.match(of)
    path = _only(assigned[2] if assigned else of, scope, variables) if word in {"with", "range"} else None
    inside = (*path, ANY) if path is not None and word == "range" else path
    if assigned:
        _assign(variables, assigned[1], inside)
    return _Scope(inside)


def _only(text: str, scope: _Scope, variables: dict[str, ValuePath]) -> ValuePath | None:
    """Return the value that a text mentions, None where that is none or there are more."""
    found = set(_mentions(text, scope, variables))
    return found.pop() if len(found) == 1 else None


def _mentions(text: str, scope: _Scope, variables: dict[str, ValuePath]) -> tuple[ValuePath, ...]:
    found: list[ValuePath] = []
    for each in _INDEX.finditer(text):
        head = _path(each[1], scope, variables)
        if head is not None:
            found.append((*head, *re.findall(r'"([^"]+)"', each[2])))
    rest = _TEXT.sub('""', _INDEX.sub("", text))
    for each in _PATH.finditer(rest):
        path = _path(each[0], scope, variables) if each[0] else None
        if path:
            found.append(path)
    return tuple(found)


def _path(text: str, scope: _Scope, variables: dict[str, ValuePath]) -> ValuePath | None:
    """Return the keys of a value by how a template writes it; nothing where it is something else."""
    variable, _, rest = text.partition(".")
    steps = tuple(step for step in rest.split(".") if step)
    if variable in {"", "$"} and steps[:1] == ("Values",):
        return steps[1:]
    if variable == "$" or (not variable and steps[:1] and steps[0] in _BUILTIN):
        return None
    if variable:
        return (*variables[variable], *steps) if variable in variables else None
    return (*scope.path, *steps) if scope.path is not None and not scope.is_root else None
