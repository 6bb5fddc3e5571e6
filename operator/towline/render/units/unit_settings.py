"""Hold what a spec says about how units are built."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from towline.api.overlaying import KustomizeOverlay
from towline.render.variables.treatment import UNTREATED, Treatment


@dataclass(frozen=True, kw_only=True)  # with a dictionary, which holds what is computed once
class UnitSettings:
    """How the units of one repository are built; all of it is part of what a built unit is remembered by.

    Attributes:
        treatment: the keys that decrypt what units read, and the variables that are filled into what they declare.
        mark: the fingerprint of the treatment, empty where nothing is done.
        decryption_mark: that of its keys alone.
        overlay: what is changed in each unit; None where nothing is.
        components: the folders of the overlay's components, by the fields that name them.
    """

    treatment: Treatment = UNTREATED
    mark: str = ""
    decryption_mark: str = ""
    overlay: KustomizeOverlay | None = None
    components: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """What tells how these units are built, before variables, from every other way."""
        told = self.decryption_mark, self.overlay, self.components
        return hashlib.sha256(repr(told).encode()).hexdigest()
