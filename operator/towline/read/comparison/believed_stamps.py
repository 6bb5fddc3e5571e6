"""Read owner annotations without the operator's key: what they say of the repository is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.api import labels
from towline.model import ObjectRef, Stamp
from towline.plan.stamp import Stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedStamps(Stamps):
    """Stamps as one sees them who may not read the Secret with the operator's keys.

    Attributes:
        annotations: the owner annotations of live objects, which a dry run sends as they are, so that it does not seem
            to change them.
    """

    annotations: Mapping[ObjectRef, str] = field(default_factory=dict)

    def owner(self, uid: str, ref: ObjectRef) -> str:
        """Return the owner annotation of an object as it is, or what a new one would say, without a stamp."""
        there = self.annotations.get(ref, "")
        return there if labels.parse_owner(there, ref)[0] == uid else labels.owner(uid, ref)

    def read(self, value: str, ref: ObjectRef) -> tuple[str, Stamp]:
        """Return the uid in the owner annotation, and that it is valid where it names this very object."""
        uid, _ = labels.parse_owner(value, ref)
        return uid, Stamp.VALID if uid else Stamp.NONE
