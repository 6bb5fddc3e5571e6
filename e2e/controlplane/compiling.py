"""How far `go build -v` has come: which packages must be compiled, and what share of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LISTED = '{{if .Stale}}{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles "/"}}{{end}}'
"""What `go list` prints of a package that Go's own cache does not hold."""

_TELLING = 0.03
"""From which share of the work on its time says something about the rest."""


@dataclass(frozen=True, slots=True)
class Work:
    """The packages to compile, each with the bytes of its source: the time grows with them."""

    sizes: Mapping[str, int]

    def left(self, written: str, seconds: float) -> str:
        """Say what is done and how much is left, from what `go build -v` has written within `seconds`."""
        begun = set(written.splitlines()) & self.sizes.keys()
        share = sum(self.sizes[name] for name in begun) / max(1, sum(self.sizes.values()))
        if self.sizes and len(begun) == len(self.sizes):
            return f"all {len(begun)} packages are compiled, linking, {seconds:.0f} s"
        done = f"{len(begun)} of {len(self.sizes)} packages, {share:.0%}, {seconds:.0f} s"
        return f"{done}, about {_about(seconds * (1 - share) / share)} left" if share > _TELLING else done


def listed(lines: Sequence[str]) -> Work:
    """Return the work from the lines of `go list` with `LISTED`; what else it says is passed over."""
    parts = (line.split("\t") for line in lines)
    return Work({part[0]: _size(Path(part[1]), part[2].split("/")) for part in parts if len(part) == 3})


def _size(folder: Path, files: Sequence[str]) -> int:
    return sum((folder / name).stat().st_size for name in files if (folder / name).exists())


def _about(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
