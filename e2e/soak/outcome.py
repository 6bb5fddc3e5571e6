"""What became of one part: read from what pytest reports of its stories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many points were tried and survived, and how long the stories took, in seconds."""

    tried: int
    survived: int
    seconds: float


def read(report: Path) -> Outcome:
    """Read a report of pytest's JUnit format.

    A story that counts points says so by properties; any other is one point. A story that was skipped tried nothing.
    """
    counts = [
        (_properties(case), case)
        for case in ET.parse(report).getroot().iter("testcase")  # noqa: S314  pytest wrote it just now
        if case.find("skipped") is None
    ]
    return Outcome(
        tried=sum(int(told.get("tried", "1")) for told, _ in counts),
        survived=sum(int(told.get("survived", _passed(case))) for told, case in counts),
        seconds=sum(float(case.get("time", "0")) for _, case in counts),
    )


def _properties(case: ET.Element) -> Mapping[str, str]:
    return {one.get("name", ""): one.get("value", "") for one in case.iter("property")}


def _passed(case: ET.Element) -> str:
    return "0" if case.find("failure") is not None or case.find("error") is not None else "1"
