"""Hold one explanation as a value, with its JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

UNEXPLAINED = "No change explains this"
"""What an explanation says that names no cause."""

REMOVED = "Removed"
"""The reason of a cause that is a commit which no longer declares an object."""

CHANGED = "Changed"
"""The reason of a cause that is a change of what an object reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCause:
    """One change that explains why something is not as wanted; what is not known of it is empty, or 0.

    `object` is written `Kind.group/namespace/name`; `pointer` is a JSON pointer into it. `file`, `line` and `commit`
    say where Git has it, `author` who wrote that commit, or, without one, which field manager wrote in the cluster.
    `reason` is a word of the status, `evidence` what was seen.
    """

    object: str = ""
    pointer: str = ""
    file: str = ""
    line: int = 0
    commit: str = ""
    author: str = ""
    reason: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why something is not as wanted, in one sentence, and by which changes.

    `since` is RFC 3339, empty where it is not known; `is_well` says that nothing is wrong.
    """

    sentence: str
    since: str = ""
    causes: tuple[FoundCause, ...] = ()
    is_well: bool = False


def body(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON form, which scripts may rely on."""
    return {
        "sentence": explanation.sentence,
        "since": explanation.since,
        "causes": [asdict(cause) for cause in explanation.causes],
    }
