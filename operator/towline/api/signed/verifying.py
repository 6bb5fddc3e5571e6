"""Read `spec.verify`: what must be signed, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.api.schema import SchemaFault


class VerifyMode(StrEnum):
    """What must be signed."""

    HEAD = "Head"
    EVERY_COMMIT = "EveryCommit"
    TAG = "Tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """What must be signed, and the Secret with the keys of those whose signatures are trusted."""

    mode: VerifyMode
    secret_name: str


def parse(given: Mapping[str, Any] | None) -> Verify | None:
    """Return `spec.verify` as the schema has accepted it."""
    if given is None:
        return None
    return Verify(mode=VerifyMode(given.get("mode", VerifyMode.HEAD)), secret_name=given["secretRef"]["name"])


def faults(given: Mapping[str, Any] | None, ref: Mapping[str, str]) -> Iterator[SchemaFault]:
    """Yield what the schema cannot say: a tag can only be signed where one is followed."""
    if given is None or given.get("mode") != VerifyMode.TAG:
        return
    if not (ref.get("tag") or ref.get("semver") or ref.get("name", "").startswith("refs/tags/")):
        yield SchemaFault(
            "spec.verify.mode",
            "Tag needs a ref that is a tag: set spec.ref.tag or spec.ref.semver, or use mode Head",
        )
