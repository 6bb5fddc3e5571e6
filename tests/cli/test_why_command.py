from __future__ import annotations

import re
from pathlib import Path

from towline.cli import why
from towline.read.explanation.cause import Explanation, FoundCause

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
CAUSE = FoundCause(
    object="Deployment.apps/shop/web",
    pointer="/spec/replicas",
    file="deploy/web.yaml",
    line=9,
    commit="1a2b3c4" + "0" * 33,
    author="Bob",
    reason="Failed",
    evidence="crashes",
)
TOLD = "1a2b3c4 by Bob: deploy/web.yaml:9 Deployment shop/web spec.replicas: Failed: crashes"


def test_the_reference_page_shows_what_a_terminal_shows() -> None:
    told = why.lines(Explanation(sentence=TOLD, since="2026-01-01T00:00:00Z", causes=(CAUSE,)))
    (page,) = re.findall(r"^## `towline why .*?\n(.*?)(?=^## )", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert re.findall(r"```text\n(.*?)```", page, re.DOTALL) == ["\n".join(told) + "\n"]


def test_what_is_not_known_leaves_no_gap() -> None:
    bare = FoundCause(object="GitRepository.towline.dev/team/shop", reason="Suspended", evidence="Suspended")
    assert why.lines(Explanation(sentence="It is suspended", causes=(bare,))) == [
        "It is suspended",
        "- Suspended: GitRepository.towline.dev team/shop",
        "  Suspended",
    ]


def test_nothing_that_others_wrote_controls_the_terminal() -> None:
    hostile = FoundCause(object="a", file="\x1b[2Jx.yaml", reason="Invalid", evidence="two\nlines\x07")
    told = why.lines(Explanation(sentence="bad \x1b]0;title\x07", causes=(hostile,)))
    assert all(line.isprintable() for line in told)
    assert len(told) == 3
