"""Resources of Flux and Argo CD for tests, and the repositories around them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.importing import homes, peer_resource
from towline.importing.draft import Draft
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource

FLEET = "https://git.example.com/acme/fleet"


@dataclass(frozen=True)
class Files:
    """A tree of files that exist as text only."""

    contents: Mapping[str, str]
    branches: frozenset[str] = frozenset({"main"})
    tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def files(self) -> list[str]:
        return sorted(self.contents)

    def has(self, path: str) -> bool:
        return path in self.contents

    def read(self, path: str) -> bytes | None:
        text = self.contents.get(path)
        return None if text is None else text.encode()


def resources(text: str, file: str = "apps.yaml") -> list[PeerResource]:
    """Return the resources in a file that has no errors."""
    found, faults = peer_resource.read(textwrap.dedent(text).encode(), file)
    assert faults == ()
    return list(found)


def clone(contents: Mapping[str, str] | None = None, url: str = FLEET, **known: frozenset[str]) -> Homes:
    """Return what is at hand with one clone."""
    return Homes(trees={homes.same_place(url): Files(contents or {}, **known)})


def told(draft: Draft) -> list[str]:
    """Return what a draft tells, but for what is not needed: line, field and kind."""
    notes = sorted(draft.notes, key=lambda note: note.line)
    return [f"{note.line} {note.field}: {note.kind}" for note in notes if note.kind != "not needed"]


def message(draft: Draft, name: str) -> str:
    """Return what a draft tells about a field."""
    (found,) = {note.message for note in draft.notes if note.field == name}
    return found
