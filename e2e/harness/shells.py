"""Shells that read nobody's settings: those of this machine, else out of Debian's packages in the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from e2e.controlplane import build, pins

_PLAIN = {"bash": ("--noprofile", "--norc"), "zsh": ("-f",), "fish": ("--no-config",)}
"""The arguments that keep a shell from the settings of its user."""

_PACKAGES = {
    "zsh": ("zsh", "zsh-common", "libcap2"),
    "fish": ("fish", "fish-common", "libpcre2-32-0"),
}
"""What a shell is unpacked from: its own packages, and the libraries that a small system may lack."""

_ZSHENV = """\
module_path=({root}/usr/lib/*/zsh/*(N))
fpath=({root}/usr/share/zsh/functions/**/*(N/))
"""
"""Where zsh is unpacked: it looks for its modules only where Debian installs it, unless a start-up file says so."""


class NoShellError(Exception):
    """A shell is not installed, and Debian's packages are not to be had; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """How a shell is started; `environment` goes over that of the caller."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def wanted(name: str) -> Shell:
    """Return `bash`, `zsh` or `fish`; where there is none, skip the test and say why."""
    try:
        return found(name)
    except NoShellError as error:
        pytest.skip(str(error))


@cache
def found(name: str) -> Shell:
    """Return the shell of that name, of this machine or unpacked; raises `NoShellError`."""
    if shutil.which(name):
        return Shell(argv=(name, *_PLAIN[name]))
    if name not in _PACKAGES:
        raise NoShellError(f"{name} is not installed")
    root = _unpacked(name)
    libraries = sorted({str(file.parent) for file in root.rglob("lib*.so.*")})
    environment = {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}
    if name == "zsh":
        return Shell(argv=(f"{root}/bin/zsh",), environment={**environment, "ZDOTDIR": str(root)})
    return Shell(argv=(f"{root}/usr/bin/{name}", *_PLAIN[name]), environment=environment)


def _unpacked(name: str) -> Path:
    """Return the folder that holds the packages of a shell, in the version that apt would install."""
    folder = pins.package_cache(f"{name}-{_version(name)}", os.environ)
    root = folder / "root"
    with build.locked(folder):
        if not root.exists():
            with tempfile.TemporaryDirectory(prefix="unpacking-", dir=folder) as place:
                _download(_PACKAGES[name], Path(place))
                _complete(Path(place) / "root", root)
                (Path(place) / "root").rename(root)
    return root


def _version(package: str) -> str:
    policy = _ran(("apt-cache", "policy", package), Path.cwd())
    candidates = [line.split()[1] for line in policy.splitlines() if "Candidate:" in line]
    if not candidates or candidates == ["(none)"]:
        raise NoShellError(f"{package} is not installed, and apt knows no such package: try apt-get update")
    return candidates[0]


def _download(packages: Sequence[str], folder: Path) -> None:
    _ran(("apt-get", "download", *packages), folder)
    for package in folder.glob("*.deb"):
        _ran(("dpkg", "-x", package.name, "root"), folder)


def _complete(unpacked: Path, root: Path) -> None:
    """Let the shells find what belongs to them although they are not at `/`; they will be at `root`."""
    (unpacked / ".zshenv").write_text(_ZSHENV.format(root=root))
    (unpacked / "usr" / "etc").symlink_to("../etc")  # fish looks there for its settings, next to usr/bin


def _ran(argv: Sequence[str], folder: Path) -> str:
    try:
        ended = subprocess.run(
            argv,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoShellError(f"{argv[0]}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise NoShellError(f"{' '.join(argv)}: {error.stderr.strip()}") from error
    return ended.stdout
