"""Verify the signatures of commits and tags with git, in a folder of its own that is thrown away."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from towline.api.signed.verification import Signature, SignatureFormat, SignedKind, Trust
from towline.source import gitconfig
from towline.source.process import ProcessResult
from towline.source.signatures import verdict_lines
from towline.source.signatures.signed_object import SIGNATURE_BYTES, SignedObject
from towline.source.signatures.trusted_keys import TrustedKeys, UnfitKeysError
from towline.source.signatures.verdict_lines import Judgement
from towline.source.transport import GitCommand, GitRunner

_SAID_BYTES = 64 * 1024
_FULL = 60 * 1024
"""So much on standard error may have been cut off."""

_LEFT_SECONDS = 3600.0
"""A folder that is older than this was left by a process that was killed."""

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GPG_SETTINGS = """\
batch
no-tty
no-autostart
disable-dirmngr
no-auto-key-retrieve
trust-model always
no-random-seed-file
no-secmem-warning
"""
"""Nothing is asked, started or fetched, and what is in the Secret is trusted: nothing else is there."""

_PROGRAMS = {
    SignatureFormat.GPG: ("gpg", "gnupg"),
    SignatureFormat.SSH: ("ssh-keygen", "openssh-client"),
}
"""What verifies each format, and Debian's package of it."""


class MissingProgramError(Exception):
    """A program is not installed; its text is a sentence."""


def find(program: str) -> str | None:
    """Find a program where git would look for it."""
    return shutil.which(program, path=gitconfig.PATH)


class SignatureCheck:
    """Verifies signatures.

    Args:
        git: runs git and gpg.
        folder: where folders for keys are made; what a process that was killed has left there is removed.
        find: finds a program.
    """

    def __init__(self, git: GitRunner, folder: Path, find: Callable[[str], str | None] = find) -> None:
        self._git = git
        self._folder = folder
        self._find = find

    async def verify(
        self, repository: Path, signed: Sequence[SignedObject], keys: TrustedKeys
    ) -> tuple[Signature, ...]:
        """Return what becomes of the signature of each object.

        Raises:
            UnfitKeysError: gpg does not take a key.
            MissingProgramError: gpg or ssh-keygen is not installed.
        """
        told = {each.sha: found for each in signed if (found := _told(each))}
        rest = [each for each in signed if each.sha not in told]
        if rest:
            self._check_programs({each.format for each in rest})
            async with self._home() as home:
                await self._filled(home, keys, {each.format for each in rest})
                for each in rest:
                    told[each.sha] = await self._verified(repository, each, home, keys)
        return tuple(told[each.sha] for each in signed)

    def _check_programs(self, formats: set[SignatureFormat]) -> None:
        for form in sorted(formats):
            program, package = _PROGRAMS[form]
            if self._find(program) is None:
                raise MissingProgramError(
                    f"{program} is not installed where the operator runs, so {form} signatures cannot be verified: "
                    f"add the package {package} to its image"
                )

    @asynccontextmanager
    async def _home(self) -> AsyncIterator[Path]:
        """Yield a new folder that only this user can read; it is removed however the block ends."""
        home = await asyncio.to_thread(self._made)
        try:
            yield home
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, home, ignore_errors=True))

    def _made(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=self._folder))  # with mode 0700
        latest = made.stat().st_mtime - _LEFT_SECONDS
        for folder in self._folder.iterdir():
            with suppress(FileNotFoundError):  # the check that it is of has just ended
                if folder.stat().st_mtime < latest:
                    shutil.rmtree(folder, ignore_errors=True)
        return made

    async def _filled(self, home: Path, keys: TrustedKeys, formats: set[SignatureFormat]) -> None:
        await asyncio.to_thread(_write, home, keys)
        if not keys.gpg or SignatureFormat.GPG not in formats:
            return
        files = [f"{home}/{number}.key" for number in range(len(keys.gpg))]
        for _ in range(2):  # a revocation may stand before its key
            if await self._imported(home, files):
                return
        for name, file in zip(keys.names, files, strict=True):
            if not await self._imported(home, [file]):
                raise UnfitKeysError(
                    f"has an entry {name} that gpg cannot read whole: export the key again (gpg --armor --export), "
                    "and put a revocation with the key that it revokes"
                )

    async def _imported(self, home: Path, files: Sequence[str]) -> bool:
        """Import keys, and tell whether all of them were taken."""
        answer = await self._git.run(
            GitCommand(
                program=self._find("gpg") or "gpg",
                arguments=("--status-fd", "1", "--import", "--", *files),
                limit=_SAID_BYTES,
                variables=_variables(home),
            )
        )
        return answer.code == 0 and verdict_lines.imported(answer.out.decode("utf-8", "replace"))

    async def _verified(
        self, repository: Path, signed: SignedObject, home: Path, keys: TrustedKeys
    ) -> Signature:
        answer = await self._asked(repository, signed, home, keys.revoked)
        said = _said(signed.format, answer)
        if said.trust is Trust.BAD_SIGNATURE and signed.format is SignatureFormat.SSH and keys.revoked:
            unrevoked = _said(signed.format, await self._asked(repository, signed, home, b""))
            if unrevoked.trust is Trust.TRUSTED:
                said = replace(unrevoked, trust=Trust.REVOKED_KEY)
        return Signature(
            sha=signed.sha,
            kind=signed.kind,
            trust=said.trust,
            format=signed.format,
            key=said.key,
            signer=said.signer,
            why=said.why,
        )

    async def _asked(
        self, repository: Path, signed: SignedObject, home: Path, revoked: bytes
    ) -> ProcessResult:
        if not _SHA.fullmatch(signed.sha):
            raise ValueError("not an object id")
        command = "verify-tag" if signed.kind is SignedKind.TAG else "verify-commit"
        settings = ["[gpg]", "    minTrustLevel = undefined", '[gpg "ssh"]']
        settings.append(f"    allowedSignersFile = {gitconfig.quoted(f'{home}/signers')}")
        if revoked:
            settings.append(f"    revocationFile = {gitconfig.quoted(f'{home}/revoked')}")
        return await self._git.run(
            GitCommand(
                arguments=(command, "--raw", signed.sha),
                limit=_SAID_BYTES,
                repository=repository,
                settings=tuple(settings),
                variables=_variables(home),
            )
        )


def _told(signed: SignedObject) -> Signature | None:
    """Return what can be said without asking anybody."""
    trust, why = Trust.UNSUPPORTED, ""
    if not signed.is_signed:
        trust = Trust.UNSIGNED
    elif signed.signatures > 1:
        trust, why = Trust.BAD_SIGNATURE, "has more than one signature"
    elif signed.signature_bytes > SIGNATURE_BYTES:
        trust, why = Trust.BAD_SIGNATURE, f"has a signature of more than {SIGNATURE_BYTES} bytes"
    elif signed.format is SignatureFormat.X509:
        why = "is signed with X.509, which Towline does not verify"
    elif signed.format is SignatureFormat.NONE:
        why = "is signed in a way that Towline does not know"
    else:
        return None
    return Signature(sha=signed.sha, kind=signed.kind, trust=trust, format=signed.format, why=why)


def _said(form: SignatureFormat, answer: ProcessResult) -> Judgement:
    if len(answer.complaint) > _FULL:
        return Judgement(trust=Trust.BAD_SIGNATURE, why="has a signature with too much in it")
    if form is SignatureFormat.GPG:
        return verdict_lines.by_gpg(answer.code, answer.complaint)
    return verdict_lines.by_ssh(answer.code, answer.complaint)


def _write(home: Path, keys: TrustedKeys) -> None:
    """Write what gpg and ssh-keygen read; an empty common.conf keeps newer ones from starting a keybox daemon."""
    files = {
        "gpg.conf": _GPG_SETTINGS.encode(),
        "common.conf": b"",
        "signers": keys.allowed_signers,
        "revoked": keys.revoked,
        **{f"{number}.key": content for number, content in enumerate(keys.gpg)},
    }
    for name, content in files.items():
        (home / name).write_bytes(content)


def _variables(home: Path) -> tuple[str, ...]:
    """Return what tells the programs where their files are; times of allowed_signers without a zone are UTC."""
    return (f"GNUPGHOME={home}", f"TMPDIR={home}", "TZ=UTC")
