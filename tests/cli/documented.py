"""What the pages of commands say that a command prints."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "reference"


def output(call: str, page: str = "commands.md") -> str:
    """Return what a page shows after `$ <call>`, until the next call or the end of the block."""
    text = (PAGES / page).read_text()
    (found,) = re.findall(rf"^\$ {re.escape(call)}\n(.*?)(?=^\$ |^```)", text, re.MULTILINE | re.DOTALL)
    return str(found)
