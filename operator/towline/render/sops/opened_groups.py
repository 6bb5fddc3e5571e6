"""Hold what the sops binary has made of documents, or why it cannot open them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WRONG_MAC = (
    "wrong MAC: the file was changed after it was encrypted, or holds what SOPS reads otherwise than "
    "Kubernetes; look at the change, and encrypt the file again with sops"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedGroup:
    """The documents of a group without encryption, as Kubernetes reads them, or why there are none."""

    documents: tuple[Any, ...] = field(default=(), repr=False)
    message: str = ""
