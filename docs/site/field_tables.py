"""Write the tables of fields in the pages for those who come from Flux or Argo CD, from the rules of `towline import`.

`python -m docs.site.field_tables` writes them anew; `make docs` does so first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from towline.importing.argo import argo_rules
from towline.importing.field_rules import FieldRule, RuleTable
from towline.importing.flux import flux_rules

DOCS = Path(__file__).parents[1]

KINDS: Mapping[str, Mapping[str, RuleTable]] = {
    "coming-from-flux.md": flux_rules.RULES,
    "coming-from-argo-cd.md": {
        "Application": argo_rules.APPLICATION,
        "source of an Application": argo_rules.SOURCE,
        "ApplicationSet": argo_rules.APPLICATION_SET,
    },
}
"""The kinds of each page, with their rules."""

LOST = "What does not map"
MAPPED = "What maps"
BUILT_IN = "What is not needed"

_HEADS = {
    MAPPED: ("field", "field of the GitRepository"),
    BUILT_IN: ("field", "because"),
    LOST: ("field", "because, or what to do instead"),
}
_NOTHING = "(nothing: "


class Fate(NamedTuple):
    """What becomes of a field: in which table it is, and with which words."""

    table: str
    text: str


def fates(table: RuleTable) -> dict[str, Fate]:
    """Return what becomes of the fields of a kind; where all below one have the same fate, that one alone is named."""
    known = {
        name.removeprefix("spec.").replace("[]", ""): fate(name, rule) for name, rule in table.rules().items()
    }
    return {_shortest(field, known): one for field, one in known.items()}


def fate(name: str, rule: FieldRule) -> Fate:
    """Return what becomes of one field."""
    if rule.ours.startswith(_NOTHING):
        reason = (
            rule.ours.removeprefix(_NOTHING).removesuffix(")").replace("refused", "the import refuses it")
        )
        return Fate(LOST, argo_rules.REFUSED_GENERATORS.get(name.rpartition(".")[2], reason))
    if rule.ours.startswith("("):
        return Fate(MAPPED, rule.ours.strip("()"))
    if rule.ours:
        return Fate(MAPPED, f"`{rule.ours}`")
    return Fate(BUILT_IN if rule.harmless else LOST, rule.reason)


def _shortest(field: str, known: Mapping[str, Fate]) -> str:
    """Return the topmost field above one below which all have its fate."""
    parts = field.split(".")
    above = (".".join(parts[:length]) for length in range(1, len(parts)))
    return next((top for top in above if _below(top, known) == {known[field]}), field)


def _below(top: str, known: Mapping[str, Fate]) -> set[Fate]:
    return {one for field, one in known.items() if field == top or field.startswith(f"{top}.")}


def tables(kinds: Mapping[str, RuleTable]) -> str:
    """Return the tables of all kinds of a page, each kind under a heading of its own."""
    return "\n\n".join(f"### {_heading(kind)}\n\n{_kind(table)}" for kind, table in kinds.items())


def _heading(kind: str) -> str:
    return kind[0].upper() + kind[1:]


def _kind(table: RuleTable) -> str:
    fields: dict[Fate, list[str]] = {}
    for field, one in fates(table).items():
        fields.setdefault(one, []).append(f"`{field}`")
    parts = []
    for title, head in _HEADS.items():
        lines = [
            f"| {', '.join(names)} | {one.text} |" for one, names in fields.items() if one.table == title
        ]
        if lines:
            parts.append("\n".join([f"{title}:", "", f"| {head[0]} | {head[1]} |", "|---|---|", *lines]))
    return "\n\n".join(parts)


def filled(text: str, page: str) -> str:
    """Return a page with its tables as the rules have them now."""
    return re.sub(
        r"(<!-- fields -->).*(<!-- end of fields -->)",
        lambda found: f"{found[1]}\n\n{tables(KINDS[page])}\n\n{found[2]}",
        text,
        flags=re.DOTALL,
    )


def main() -> None:
    """Write the tables of both pages."""
    for page in KINDS:
        file = DOCS / page
        file.write_text(filled(file.read_text(), page))


if __name__ == "__main__":
    main()
