"""What a site is: a place in what a build reads that may become a field of an object."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, NamedTuple

from towline.render.units.references import Steps


class Role(Enum):
    """What a site does to objects."""

    OBJECT = auto()  # a field of an object that a file declares
    PATCH = auto()  # a field of a strategic patch, or inside the value of a JSON patch
    SETTING = auto()  # what a transformer sets: a label, the tag of an image
    COUNT = auto()  # the replicas that a transformer sets, which must be a number
    NAMESPACE = auto()  # the namespace that a transformer sets
    NAME = auto()  # a name, or a part of names
    ENTRY = auto()  # `key=value` of a generator, in its list or in a file of such lines
    CONTENT = auto()  # a whole file that a generator takes as a value


class Inner(NamedTuple):
    """A place in YAML that is written as a text: a document of it, and the steps in that."""

    document: int
    steps: Steps


class Site(NamedTuple):
    """A scalar of a file that a build reads.

    Attributes:
        file: its path.
        role: what it does.
        document: its index in the file; in a file of lines, the line counted from 0.
        steps: the way to it in the document.
        inner: the place in it, where the scalar is itself YAML.
        value: what is there; nothing for a whole file.
        path: the steps in the object that it belongs to or sets.
        kind: of the object that it belongs to, empty where it is in none.
        name: of that object.
        is_marked: whether it may be marked.
    """

    file: str
    role: Role
    document: int
    steps: Steps
    value: Any
    path: Steps
    inner: Inner | None = None
    kind: str = ""
    name: str = ""
    is_marked: bool = True


def text(value: Any) -> str:
    """Return a scalar as kustomize would print it as a text."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
