"""Real GPG and SSH keys, and commits and tags that are signed with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

LONG_AGO = "20200101T000000"
"""When keys and signatures were made that have expired since."""

_LATER = "20200101T060000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: `options` are what git is told for it, `public` the key for those who verify, `key` its name."""

    name: str
    options: tuple[str, ...]
    public: bytes
    key: str = ""


class Keys:
    """A folder with keys of GPG and SSH; the path is short, because gpg-agent makes sockets in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "g"
        self.home.mkdir(mode=0o700)

    def gpg(self, name: str, *, expires: str = "never", usage: str = "sign", born: str = "") -> Signer:
        """Make a GPG key; where it was `born` some time ago, its signatures are made six hours later."""
        faked = ("--faked-system-time", f"{born}!") if born else ()
        address = f"{name}@example.com"
        self._gpg(*faked, "--quick-gen-key", f"{name.capitalize()} <{address}>", "ed25519", usage, expires)
        return self.signer(address, "--faked-system-time", f"{_LATER}!") if born else self.signer(address)

    def signer(self, address: str, *options: str) -> Signer:
        """Return who signs with a GPG key that is there, with further options of gpg."""
        program = self.folder / f"gpg-{len(list(self.folder.iterdir()))}"
        given = " ".join(options)
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} --batch {given} "$@"\n')
        program.chmod(0o700)
        return Signer(
            name=address,
            options=("-c", f"gpg.program={program}", "-c", f"user.signingKey={address}"),
            public=self.export(address),
            key=self.fingerprint(address),
        )

    def export(self, address: str) -> bytes:
        """Return the public key as it is now."""
        return self._gpg("--armor", "--export", address)

    def fingerprint(self, address: str) -> str:
        """Return the fingerprint of the primary key."""
        listed = self._gpg("--with-colons", "--list-keys", address).decode()
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def add_subkey(self, signer: Signer) -> str:
        """Give a key a subkey, which signs from now on; return its fingerprint."""
        self._gpg("--quick-add-key", signer.key, "ed25519", "sign", "never")
        listed = self._gpg("--with-colons", "--list-keys", signer.key).decode()
        return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr")][-1]

    def revocation(self, signer: Signer) -> bytes:
        """Return the certificate that revokes a key; gpg has made it with the key, with a colon in front."""
        text = (self.home / "openpgp-revocs.d" / f"{signer.key}.rev").read_text()
        return text[text.index(":-----BEGIN") + 1 :].encode()

    def private(self, signer: Signer) -> bytes:
        """Return the private key of a GPG key, not armored."""
        return self._gpg("--pinentry-mode", "loopback", "--export-secret-keys", signer.key)

    def ssh(self, name: str) -> Signer:
        """Make an SSH key."""
        file = self.folder / name
        command = (
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            f"{name}@example.com",
            "-f",
            str(file),
        )
        subprocess.run(command, check=True, capture_output=True)
        public = (self.folder / f"{name}.pub").read_bytes()
        listed = subprocess.run(("ssh-keygen", "-l", "-f", str(file)), check=True, capture_output=True).stdout
        return Signer(
            name=f"{name}@example.com",
            options=("-c", "gpg.format=ssh", "-c", f"user.signingKey={file}"),
            public=public,
            key=listed.split()[1].decode(),
        )

    def _gpg(self, *arguments: str) -> bytes:
        command = ("gpg", "--homedir", str(self.home), "--batch", "--passphrase", "", *arguments)
        return subprocess.run(command, check=True, capture_output=True).stdout


@contextmanager
def keys() -> Iterator[Keys]:
    """Yield a new folder for keys; at the end the agent that gpg has started for it ends, too.

    Where there is no gpg, what needs it is skipped.
    """
    if shutil.which("gpg") is None or shutil.which("gpg-agent") is None:
        pytest.skip("gpg is not installed: install the Debian package gnupg")
    folder = Path(tempfile.mkdtemp(prefix="keys"))
    try:
        made = Keys(folder)
        yield made
        subprocess.run(
            ("gpgconf", "--homedir", str(made.home), "--kill", "all"), check=False, capture_output=True
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(
    repository: Path, signer: Signer | None, *arguments: str, tree: str = "HEAD^{tree}", date: str = ""
) -> str:
    """Make a commit object with a signature, or without one, that no branch has yet; return its id.

    `arguments` are those of `git commit-tree`, such as its parents and its message.
    """
    signed = ("-S",) if signer else ()
    options = signer.options if signer else ()
    return _git(repository, *options, "commit-tree", *signed, *arguments, tree, date=date)


def tag(repository: Path, signer: Signer | None, name: str, sha: str) -> str:
    """Make an annotated tag, with a signature or without one; return the id of the tag object."""
    options = signer.options if signer else ()
    _git(repository, *options, "tag", "-s" if signer else "-a", "-f", "-m", name, name, sha)
    return _git(repository, "rev-parse", f"refs/tags/{name}")


def _git(repository: Path, *arguments: str, date: str = "") -> str:
    names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
    who = dict.fromkeys(names[0], "Alice Author") | dict.fromkeys(names[1], "alice@example.com")
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), date) if date else {}
    none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ("git", "-C", str(repository), *arguments),
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | who | dates | none,
    )
    return done.stdout.strip()
