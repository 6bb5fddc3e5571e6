"""How the demo prints, and when it touches the cluster of somebody."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest

from e2e.demo import borrowed, narrator, rights
from e2e.demo.borrowed import Context
from e2e.demo.narrator import CommandError, Narrator, Page
from e2e.demo.refusal import RefusedError
from e2e.demo.stage import names

KIND = Context(name="kind-dev", server="https://127.0.0.1:6443", user="dev")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "environment", "coloured"),
    [
        (_Terminal(), {"TERM": "xterm"}, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (_Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_are_for_terminals_that_have_them_and_people_who_want_them(
    out: io.StringIO, environment: dict[str, str], *, coloured: bool
) -> None:
    page = narrator.page(out, environment)
    page.line("a title", "1")
    assert ("\x1b[1ma title\x1b[0m" in out.getvalue()) is coloured
    assert "a title" in out.getvalue()


def test_beside_a_step_is_the_time_since_the_first_one(tmp_path: Path) -> None:
    out, seconds = io.StringIO(), iter([0.0, 0.4, 125.0, 126.0, 127.5])
    told = Narrator(Page(out, coloured=False), tmp_path, os.environ, clock=lambda: next(seconds))
    told.step("Begin")
    told.step("Go on")
    told.until("true", "live after {}")
    lines = [re.sub(r" +", " ", line) for line in out.getvalue().splitlines()]
    assert lines == ["", "== 1. Begin 0:00", "", "== 2. Go on 2:05", " live after 1.5 s"]


def test_a_command_is_shown_as_it_runs_before_its_output(tmp_path: Path) -> None:
    out = io.StringIO()
    told = Narrator(Page(out, coloured=False), tmp_path, os.environ)
    assert told.run("printf 'one\\n\\ntwo\\n' | grep -v three") == "one\n\ntwo\n"
    assert out.getvalue() == "$ printf 'one\\n\\ntwo\\n' | grep -v three\none\ntwo\n"


def test_a_command_that_fails_says_which_and_why(tmp_path: Path) -> None:
    told = Narrator(Page(io.StringIO(), coloured=False), tmp_path, os.environ)
    with pytest.raises(CommandError, match="echo no room; exit 3\nended with 3: no room"):
        told.run("echo no room; exit 3")


def test_a_cluster_is_named_with_all_that_will_be_made_before_it_is_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    out = io.StringIO()
    borrowed.confirm(KIND, names("-1a2b3c"), "kind-dev", Page(out, coloured=False))
    said = out.getvalue()
    assert "the context kind-dev: https://127.0.0.1:6443, as dev." in said
    assert "team-shop-1a2b3c, shop-1a2b3c, blog-1a2b3c" in said


@pytest.mark.parametrize(
    ("typed", "confirmed", "refusal"),
    [
        (io.StringIO("kind-dev\n"), "", "nobody confirmed it; nothing was done. .*CONFIRM=kind-dev"),
        (io.StringIO(), "production", 'the context is "kind-dev", while CONFIRM names "production"'),
        (_Terminal("y\n"), "", '"y" is not the context; nothing was done'),
        (_Terminal("\n"), "", '"" is not the context; nothing was done'),
    ],
)
def test_a_cluster_that_nobody_confirmed_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, typed: io.StringIO, confirmed: str, refusal: str
) -> None:
    monkeypatch.setattr("sys.stdin", typed)
    with pytest.raises(RefusedError, match=refusal):
        borrowed.confirm(KIND, names("-1a2b3c"), confirmed, Page(io.StringIO(), coloured=False))


def test_on_a_terminal_the_name_of_the_context_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal("kind-dev\n"))
    borrowed.confirm(KIND, names("-1a2b3c"), "", Page(io.StringIO(), coloured=False))


def test_every_right_that_is_missing_is_named_at_once() -> None:
    answers = [
        "true get namespaces/ ",
        "false create namespaces/ ",
        "false delete namespaces/ ",
        "false patch gitrepositories/status towline.dev",
    ]
    assert rights.missing_in(answers) == [
        "create, delete namespaces",
        "patch gitrepositories/status.towline.dev",
    ]


def test_a_kubeconfig_without_a_cluster_is_named(tmp_path: Path) -> None:
    kubectl = Path(sys.prefix) / "bin" / "kubectl"
    asking = borrowed.Asking(
        kubectl=kubectl, environment={"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")}
    )
    with pytest.raises(RefusedError, match="KUBECONFIG names no cluster"):
        borrowed.current(asking)
