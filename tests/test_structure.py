"""The size and the names of things are held to limits, and each limit catches what exceeds it."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "operator" / "towline"

FUNCTION_LINES = 50
CONSTRUCTOR_ARGUMENTS = 14
FOLDER_FILES = 22

Nodes = Iterator[tuple[str, ast.AST]]
Rule = Callable[[Path], list[str]]


def nodes(package: Path) -> Nodes:
    """Yield every piece of syntax with the file that it is in."""
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package).as_posix()
        yield from ((name, node) for node in syntax(file))


@cache
def syntax(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(file.read_text())))


def long_functions(package: Path) -> list[str]:
    return [
        f"{file}: {node.name} has {lines} lines"
        for file, node in nodes(package)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]


def wide_constructors(package: Path) -> list[str]:
    return [
        f"{file}: a constructor has {count} arguments"
        for file, node in nodes(package)
        if isinstance(node, ast.FunctionDef)
        and node.name == "__init__"
        and (count := arguments(node.args)) > CONSTRUCTOR_ARGUMENTS
    ]


def arguments(of: ast.arguments) -> int:
    """Count what a caller hands in: all but `self`."""
    spread = [each for each in (of.vararg, of.kwarg) if each]
    return len([*of.posonlyargs, *of.args, *of.kwonlyargs, *spread]) - 1


def full_folders(package: Path) -> list[str]:
    counts = Counter(file.parent for file in package.rglob("*.py"))
    return [
        f"{folder.relative_to(package)} has {count} files"
        for folder, count in counts.items()
        if count > FOLDER_FILES
    ]


def modules_named_twice(package: Path) -> list[str]:
    """Verbs of the command line may be called as what they show."""
    names = defaultdict(list)
    for file in sorted(package.rglob("*.py")):
        if file.name != "__init__.py" and file.relative_to(package).parts[0] != "cli":
            names[file.stem].append(file.relative_to(package).as_posix())
    for folder in sorted(package.rglob("*/__init__.py")):
        names[folder.parent.name].append(folder.parent.relative_to(package).as_posix() + "/")
    return twice(names)


def classes_named_twice(package: Path) -> list[str]:
    names = defaultdict(list)
    for file, node in nodes(package):
        if isinstance(node, ast.ClassDef):
            names[node.name].append(file)
    return twice(names)


def twice(names: dict[str, list[str]]) -> list[str]:
    return [f"{name}: {', '.join(places)}" for name, places in names.items() if len(places) > 1]


RULES: list[Rule] = [
    long_functions,
    wide_constructors,
    full_folders,
    modules_named_twice,
    classes_named_twice,
]

TOO_LONG = "def f():\n" + "    pass\n" * FUNCTION_LINES
TOO_WIDE = (
    f"class A:\n    def __init__(self, {', '.join(f'a{n}' for n in range(CONSTRUCTOR_ARGUMENTS + 1))}): ...\n"
)
SPREAD = f"class A:\n    def __init__(self, {', '.join(f'a{n}' for n in range(CONSTRUCTOR_ARGUMENTS))}, **b): ...\n"
LONG_ENOUGH = TOO_LONG.removesuffix("    pass\n")
WIDE_ENOUGH = SPREAD.replace(", **b", "")

PLANTED: list[tuple[Rule, dict[str, str], list[str]]] = [
    (long_functions, {"room/a.py": TOO_LONG}, ["room/a.py: f has 51 lines"]),
    (long_functions, {"a.py": f"async {TOO_LONG}"}, ["a.py: f has 51 lines"]),
    (long_functions, {"a.py": LONG_ENOUGH}, []),
    (
        wide_constructors,
        {"a.py": TOO_WIDE},
        [f"a.py: a constructor has {CONSTRUCTOR_ARGUMENTS + 1} arguments"],
    ),
    (wide_constructors, {"a.py": SPREAD}, [f"a.py: a constructor has {CONSTRUCTOR_ARGUMENTS + 1} arguments"]),
    (wide_constructors, {"a.py": WIDE_ENOUGH}, []),
    (full_folders, {f"room/a{n}.py": "" for n in range(FOLDER_FILES + 1)}, ["room has 23 files"]),
    (full_folders, {f"room/a{n}.py": "" for n in range(FOLDER_FILES)}, []),
    (modules_named_twice, {"room/a.py": "", "hall/a.py": ""}, ["a: hall/a.py, room/a.py"]),
    (modules_named_twice, {"a/__init__.py": "", "hall/a.py": ""}, ["a: hall/a.py, a/"]),
    (modules_named_twice, {"render/__init__.py": "", "cli/render.py": ""}, []),
    (classes_named_twice, {"a.py": "class A: ...", "b.py": "class A: ..."}, ["A: a.py, b.py"]),
    (classes_named_twice, {"a.py": "class A: ...\nclass B:\n    class A: ..."}, ["A: a.py, a.py"]),
    (classes_named_twice, {"a.py": "class A: ...", "b.py": "class B(A): ..."}, []),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_its_limits(rule: Rule) -> None:
    assert rule(PACKAGE) == []


@pytest.mark.parametrize(("rule", "files", "found"), PLANTED)
def test_what_exceeds_a_limit_is_caught_and_what_reaches_it_is_not(
    tmp_path: Path, rule: Rule, files: dict[str, str], found: list[str]
) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert rule(tmp_path) == found


def test_unit_tests_stand_in_folders_named_as_the_rooms_that_they_test() -> None:
    rooms = {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")}
    folders = {
        file.parent.relative_to(ROOT / "tests").parts[0] for file in (ROOT / "tests").glob("*/**/test_*.py")
    }
    assert folders - rooms == {"docs", "e2e_bench", "e2e_harness", "e2e_soak", "fuzz"}


def test_a_test_module_is_known_by_its_name() -> None:
    files = chain.from_iterable((ROOT / folder).rglob("test_*.py") for folder in ("tests", "e2e"))
    counts = Counter(file.name for file in files)
    assert [name for name, count in counts.items() if count > 1] == []
