"""What users read is plain English: words that a newcomer stumbled over are not used there."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "operator" / "towline"
CHART = ROOT / "charts" / "towline"

BANNED = {
    r"mend(?:s|ed|ing)?": "fix, or repair",
    r"beside": "next to, with, or other than",
    r"stands?": "is",
    r"lies?": "is",
    r"pass(?:es)?": "sync, reconciliation; skip",
    r"tow(?:s|ed|ing)?": "sync",
    r"lets? us": "name what the server does",
    r"ours|foreign": "Towline's; of another field manager",
    r"current": "ready",
    r"faults?": "error",
    r"(?:takes?|taken|taking|took)(?: [\w-]+){0,3} off": "remove",
    r"somebody|whoever": "name the actor",
    r"(?<!there )(?:is|are) no(?! (?:\w+er|more|less)\b)": "is not a",
}
"""What a newcomer had to read twice, and what to write instead."""

TERMS = (
    "current context",  # of a kubeconfig
    "failed, inProgress, current",  # the fields of spec.healthChecks, by their names
)
"""Where such a word is a name that Kubernetes or a field has given."""

_WORD = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)
_TERM = re.compile("|".join(TERMS))
_CODE = re.compile(r"^( *)(```|~~~).*?^\1\2|`[^`]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)#(.*)")


class Text(NamedTuple):
    """One text that users read, and where it begins."""

    file: Path
    line: int
    text: str


def banned(text: str) -> list[str]:
    """Return the words in a text that users should not have to read; line breaks do not hide them."""
    plain = re.sub(r"\s+", " ", text)
    return _WORD.findall(_TERM.sub("", plain))


def complaints(texts: Iterator[Text]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{line}: {', '.join(words)} in {text[:100]!r}"
        for file, line, text in texts
        if (words := banned(text))
    ]


def messages(file: Path) -> Iterator[Text]:
    """Yield the literals of a module that hold a blank, placeholders as `…`, and the help of its commands.

    One word alone is a name or a key; other docstrings are for those who read the code.
    """
    syntax = ast.parse(file.read_text())
    unread = {id(part) for node in ast.walk(syntax) for part in _unread(node)}
    for node in ast.walk(syntax):
        if id(node) not in unread and " " in (text := _literal(node)).strip():
            yield Text(file, getattr(node, "lineno", 0), text)


def _literal(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _unread(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that are no texts of their own: docstrings, and the pieces of an f-string."""
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from (part for part in node.values if isinstance(part, ast.Constant))


def helps(file: Path) -> Iterator[Text]:
    """Yield what `--help` prints of the commands of a module, besides their options."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef) and any(map(_makes_command, node.decorator_list)):
            yield Text(file, node.lineno, ast.get_docstring(node) or "")


def _makes_command(decorator: ast.expr) -> bool:
    made = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(made, ast.Attribute) and made.attr in {"command", "group"}


def prose(file: Path) -> Iterator[Text]:
    """Yield the paragraphs and rows of a page, without code and the targets of links."""
    text = _CODE.sub(lambda found: "\n" * found[0].count("\n"), file.read_text())
    line = 1
    for block in re.split(r"(\n(?:\s*\n|(?=[|-] )))", text):
        if block.strip():
            yield Text(file, line, block)
        line += block.count("\n")


def descriptions(file: Path, value: Any) -> Iterator[Text]:
    """Yield what `kubectl explain` and refusals say: every description and message of a schema."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    )
    for name, child in children:
        if name in {"description", "message"} and isinstance(child, str):
            yield Text(file, 0, child)
        yield from descriptions(file, child)


def comments(file: Path) -> Iterator[Text]:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if found := _COMMENT.search(line):
            yield Text(file, number, found[1])


PAGES = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md")),
    *(
        page
        for page in sorted((ROOT / "docs").glob("*.md"))
        if page.stem not in {"architecture", "reliability"}
    ),
    *sorted((ROOT / "docs" / "reference").glob("*.md")),
    *sorted((ROOT / "docs" / "guides").glob("*.md")),
    CHART / "templates" / "NOTES.txt",
)


def test_no_message_of_the_operator_has_a_banned_word() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    assert complaints(text for file in modules for of in (messages, helps) for text in of(file)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_a_banned_word(page: Path) -> None:
    assert complaints(prose(page)) == []


def test_no_description_of_a_schema_has_a_banned_word() -> None:
    schemas = [(file, yaml.safe_load(file.read_text())) for file in sorted((ROOT / "crds").glob("*.yaml"))]
    values = CHART / "values.schema.json"
    schemas.append((values, json.loads(values.read_text())))
    assert complaints(text for file, schema in schemas for text in descriptions(file, schema)) == []


def test_no_comment_of_the_charts_values_has_a_banned_word() -> None:
    assert complaints(comments(CHART / "values.yaml")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mend the Secret", ["Mend"]),
        ("a file\nbeside it", ["beside"]),
        ("takes the annotation off", ["takes the annotation off"]),
        ("data is no\nmap", ["is no"]),
        ("the server does not let us in", ["let us"]),
        ("All objects are current", ["current"]),
        ("there is no Secret, and it is no longer used", []),
        ("password bypasses concurrent standing relies towards default", []),
        ("without a current context", []),
    ],
)
def test_only_the_words_themselves_are_found(text: str, found: list[str]) -> None:
    assert banned(text) == found


def test_every_kind_of_text_is_read(tmp_path: Path) -> None:
    module = tmp_path / "new.py"
    module.write_text(
        '"""Mends things beside."""\n@main.command()\ndef f():\n    """Do a tow."""\n'
        "    fail(f'a {kind} lies here', 'ours', f'it '\n         f'stands {here}')\n"
    )
    assert [(line, text) for _, line, text in messages(module)] == [(5, "a … lies here"), (5, "it stands …")]
    assert [text for _, _, text in helps(module)] == ["Do a tow."]
    page = tmp_path / "page.md"
    page.write_text("# A `pass`\n\n```sh\npass\n```\n\n| two\n| rows |\n- an [item](beside.md)\n")
    assert [(line, banned(text)) for _, line, text in prose(page)] == [(1, []), (7, []), (8, []), (9, [])]
