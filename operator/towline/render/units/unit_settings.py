"""Hold what a spec says about how units are built."""

from __future__ import annotations

from dataclasses import dataclass

from towline.render.variables.treatment import UNTREATED, Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSettings:
    """How the units of one repository are built; all of it is part of what a built unit is remembered by.

    Attributes:
        treatment: the keys that decrypt what units read, and the variables that are filled into what they declare.
        mark: the fingerprint of the treatment, empty where nothing is done.
        decryption_mark: that of its keys alone.
    """

    treatment: Treatment = UNTREATED
    mark: str = ""
    decryption_mark: str = ""
