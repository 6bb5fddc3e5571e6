"""The machine and the programs that figures come from: without them a figure means nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from e2e.bench import procfs


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where and when it was measured; `load` is the load average of one minute before the first measurement."""

    cpu: str
    cores: int
    mebibytes: int
    kernel: str
    python: str
    kubernetes: str
    etcd: str
    git: str
    load: float
    day: str

    def lines(self) -> tuple[str, ...]:
        """Return what is known, as text."""
        return (
            f"{self.cores} cores of {self.cpu}, {self.mebibytes / 1024:.0f} GiB, Linux {self.kernel}",
            f"Kubernetes {self.kubernetes}, etcd {self.etcd}, Git {self.git}, Python {self.python}",
            f"{self.day}; load average at the start {self.load:.2f}",
        )


def describe(binaries: Path) -> Machine:
    """Look at this machine, and ask the programs of the control plane for their versions."""
    return Machine(
        cpu=model(Path("/proc/cpuinfo").read_text().splitlines()),
        cores=len(os.sched_getaffinity(0)),
        mebibytes=procfs.kibibytes(Path("/proc/meminfo").read_text(), "MemTotal") // 1024,
        kernel=platform.release(),
        python=platform.python_version(),
        kubernetes=_last_word(_said(str(binaries / "kube-apiserver"), "--version")),
        etcd=_last_word(_said(str(binaries / "etcd"), "--version").splitlines()[0]),
        git=_last_word(_said("git", "--version")),
        load=os.getloadavg()[0],
        day=datetime.now(UTC).strftime("%Y-%m-%d"),
    )


def model(lines: Iterable[str]) -> str:
    """Find the name of the processor in the lines of /proc/cpuinfo."""
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1].removeprefix("v")
