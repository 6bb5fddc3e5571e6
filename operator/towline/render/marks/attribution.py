"""Say from which sites a field comes: by its marks, or by replaying what kustomize does where it has none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from towline.model import Origin
from towline.plan import generated_names
from towline.render.marks import finding, marking, same_objects
from towline.render.marks.likelihood import NAME, Field, Likelihood
from towline.render.marks.marking import Marking
from towline.render.marks.sites import Role, Site, text
from towline.render.units.unit_files import UnitFiles

_IMAGE = re.compile(r"[:@](?:[^:/@]+|sha256:[0-9a-f]+)$")
"""The tag or the digest of an image, with what separates it from the name."""

_K = TypeVar("_K", bound=Hashable)

_MANY = 50
"""Sites with one value that are all compared with a field; a schema may say `string` ten thousand times."""

_SHORTEST = 3
"""Characters of a text that is looked for inside names."""


@dataclass(frozen=True, kw_only=True)  # with a dictionary, which holds what is computed once
class Attribution:
    """The sites of one unit, and what its build made of marked files.

    Attributes:
        unit: what the build reads.
        sites: all of them.
        marking: which of them are marked.
        marked: the objects that were built of marked files; none where that build failed.
    """

    unit: UnitFiles
    sites: Sequence[Site]
    marking: Marking
    marked: Sequence[Any]

    def candidates(self, field: Field) -> tuple[Site, ...]:
        """Return the sites that a field may come from, the likeliest first."""
        index = same_objects.index_of(self.marked, field.body)
        if index is not None:
            by_mark = self.marking.read(same_objects.at(self.marked[index], field.steps), field.value)
            if by_mark:
                return by_mark
        where = same_objects.keyed(field.body, field.steps)
        return self._replayed(field, where, unmarked=index is not None) or self._replayed(field, where)

    def builds(self, field: Field, index: int) -> bool:
        """Tell whether an object that was built of marked files has a field as it is, but for marks."""
        marked = same_objects.at(self.marked[index], field.steps)
        same = generated_names.unhashed(text(marked)) == generated_names.unhashed(text(field.value))
        return same or bool(self.marking.read(marked, field.value, variables=False))

    def _replayed(self, field: Field, where: tuple[Any, ...], *, unmarked: bool = False) -> tuple[Site, ...]:
        """Return sites that hold the value of a field, the likeliest first."""
        found = [
            (score, -at, site)
            for at, site in self._holding(field, where)
            if not (unmarked and site.is_marked) and (score := self._likelihood.of(site, field, where))
        ]
        return tuple(site for _, _, site in sorted(found, key=lambda each: each[:2], reverse=True))

    def _holding(self, field: Field, where: tuple[Any, ...]) -> Iterator[tuple[int, Site]]:
        """Yield sites with a value, or with what it may be made of: base64, the tag of an image, a part of a name."""
        whole = text(field.value)
        for each in {whole, marking.decoded(whole), *(found[1:] for found in _IMAGE.findall(whole))} - {""}:
            holding = self._by_text.get(each, ())
            yield from holding if len(holding) <= _MANY else self._near(each, field, where)
        for at, site in self._names:
            part = text(site.value)
            if part != whole and part in whole:
                yield at, site

    def _near(self, value: str, field: Field, where: tuple[Any, ...]) -> Iterator[tuple[int, Site]]:
        """Yield of many sites with a value those at the same place of the same file, and those that change others."""
        yield from self._by_place.get((value, where, field.origin.file), ())
        yield from self._by_key.get((value, field.steps[-1]), ())

    @cached_property
    def _by_text(self) -> Mapping[str, Sequence[tuple[int, Site]]]:
        return _indexed((self._held(site), index, site) for index, site in enumerate(self.sites))

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, tuple[Any, ...], str], Sequence[tuple[int, Site]]]:
        names = self.unit.names
        return _indexed(
            ((text(site.value), self._likelihood.keyed(site), names[site.file]), index, site)
            for index, site in enumerate(self.sites)
            if site.role is Role.OBJECT
        )

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, str | int], Sequence[tuple[int, Site]]]:
        return _indexed(
            ((text(site.value), site.path[-1]), index, site)
            for index, site in enumerate(self.sites)
            if site.role is not Role.OBJECT and site.path
        )

    def _held(self, site: Site) -> str | None:
        """Return what a site gives to a field."""
        if site.role is Role.CONTENT:
            return self.unit.contents[site.file].decode(errors="replace")
        if site.role is Role.ENTRY:
            return text(site.value).partition("=")[2].strip("\"'")
        return None if site.value is None else text(site.value)

    @cached_property
    def _names(self) -> Sequence[tuple[int, Site]]:
        """The sites that may be parts of names, in objects or wherever objects are referred to."""
        names = {text(site.value) for site in self.sites if site.path == NAME}
        return [
            (index, site)
            for index, site in enumerate(self.sites)
            if text(site.value) in names and len(text(site.value)) >= _SHORTEST
        ]

    @cached_property
    def _likelihood(self) -> Likelihood:
        return Likelihood(self.unit)


def _indexed(sites: Iterable[tuple[_K | None, int, Site]]) -> Mapping[_K, Sequence[tuple[int, Site]]]:
    """Index numbered sites by a key; those without one are left out."""
    found: dict[_K, list[tuple[int, Site]]] = defaultdict(list)
    for key, index, site in sites:
        if key is not None:
            found[key].append((index, site))
    return found


def fields(body: Mapping[str, Any], origin: Origin) -> Iterator[Field]:
    """Yield every field of an object."""
    yield from (Field(body, origin, steps, value) for steps, value in finding.scalars(body))
