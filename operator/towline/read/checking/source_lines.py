"""Find the line of a field of what kustomize has made, where a resource file declares the very same.

Where a patch or a generator brings the field, or an entry of a list has moved, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.fields import pointer
from towline.model import Manifest
from towline.render import documents
from towline.render.documents import Document, DocumentErrors, YamlLimits


def line(content: bytes, manifest: Manifest, field: str) -> int:
    """Return the line of a field in the file that declares an object, 0 where it is not certain.

    Args:
        content: the file.
        manifest: what was made of it.
        field: a JSON pointer.
    """
    try:
        found = [each for each in documents.parse(content, YamlLimits()) if _is_of(each, manifest.body)]
    except DocumentErrors:
        return 0
    if len(found) != 1 or not _agree(found[0].value, manifest.body, field):
        return 0
    return documents.locate_all(content, [(found[0].index, -1, field)])[0]


def _is_of(document: Document, body: Mapping[str, Any]) -> bool:
    """Whether an object may have been made of a document; prefixes and suffixes change names."""
    match document.value:
        case {"kind": kind, "metadata": {"name": str(name)}}:
            return bool(kind == body.get("kind") and name in body["metadata"].get("name", ""))
    return False


def _agree(source: Any, made: Any, field: str) -> bool:
    """Whether both have the same at a pointer, or both lack its last step, in entries of the same names."""
    *above, last = pointer.split(field)
    for step in above:
        source, made = pointer.child(source, step), pointer.child(made, step)
        if source is None or made is None or _name(source) != _name(made):
            return False
    return bool(pointer.child(source, last) == pointer.child(made, last))


def _name(value: Any) -> Any:
    return value.get("name") if isinstance(value, Mapping) else None
