"""Run the sops binary, confined, on what Python does not decrypt; keys are in memory alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towline import text
from towline.fields import mask_text
from towline.render import documents
from towline.render.confined import binaries, jail
from towline.render.confined.jail import Grant, Jail, JailError, Run, TimedOutError
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.sops import dotenv
from towline.render.sops.dotenv import DotenvError
from towline.render.sops.file_kinds import FileKind
from towline.render.sops.opened_groups import WRONG_MAC, OpenedGroup
from towline.render.sops.provider_keys import Handed, Provider
from towline.render.sops.sealed_groups import SealedGroup

_DOCUMENT = "document"
_OUTPUT = YamlLimits(file_bytes=jail.OUTPUT)
_MAC_MISMATCH = 51
_TREE = 25
_NO_KEY = 128
"""Exit codes: cmd/sops/codes of sops."""

_CHANGED = (
    "cannot be decrypted: a value was changed, moved or renamed after it was encrypted; undo that, or encrypt the "
    "file again with sops"
)
_UNANSWERED = (
    "{} did not answer in time: look whether the operator reaches it, through its network policy, too"
)
_BEGIN = re.compile(r"^.*?Group 0: FAILED", re.DOTALL)
_END = re.compile(r"Recovery failed because.*$", re.DOTALL)
_SHOWN = 600  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SopsBinary:
    """The binary where it is: its path, and what no other one has; it runs in a jail.

    `asks_vault` says whether it may ask a server of Vault, whose address a Secret chooses.
    """

    jail: Jail
    path: str
    identity: str
    asks_vault: bool = True

    async def opened(self, group: SealedGroup, handed: Mapping[Provider, Handed], holder: str) -> OpenedGroup:
        """Return documents without encryption, or why they cannot be had.

        Args:
            group: what is decrypted.
            handed: what the binary gets, by provider.
            holder: the Secret that this is from, as messages name it.

        Raises:
            JailError: the binary could not run to its end, or a provider did not answer: another try may end otherwise.
        """
        grant = Grant(
            environment={name: value for one in handed.values() for name, value in one.environment.items()},
            network=any(one.network for one in handed.values()),
        )
        files = {path: content for one in handed.values() for path, content in one.files.items()}
        types = ("--input-type", group.kind, "--output-type", group.kind)
        command = (self.path, "decrypt", *types, _DOCUMENT)
        try:
            ran = await self.jail.run(command, {_DOCUMENT: group.content, **files}, grant=grant)
        except TimedOutError as error:
            raise JailError(_UNANSWERED.format(group.titles), passing=True) from error
        if ran.result.code == 0:
            return await asyncio.to_thread(_read, ran.result.out, group.kind)
        if ran.result.code == _MAC_MISMATCH:
            return OpenedGroup(message=WRONG_MAC)
        if ran.result.code == _TREE:
            return OpenedGroup(message=_CHANGED)
        if grant.network:
            raise JailError(_asked(ran, handed, group), passing=True)
        if ran.result.code == _NO_KEY:
            return OpenedGroup(message=no_key(group, holder))
        message = (
            f"the sops binary refuses it (exit code {ran.result.code}): encrypt the file again with sops"
        )
        return OpenedGroup(message=message)


def find(place: Jail, chosen: str = "", *, asks_vault: bool = True) -> SopsBinary | None:
    """Find the chosen binary, or else sops on PATH."""
    found = binaries.find(chosen or "sops")
    if found is None:
        return None
    return SopsBinary(jail=place, path=found.path, identity=" ".join(found), asks_vault=asks_vault)


def no_key(group: SealedGroup, holder: str) -> str:
    """Return that no key of a Secret opens some documents, and what to do."""
    return (
        f"no key in {holder} (spec.decryption.secretRef) opens it: it is encrypted for {group.titles}; add a private "
        "key without passphrase, or the credentials, of one of them to the Secret, or run sops updatekeys"
    )


def _asked(ran: Run, handed: Mapping[Provider, Handed], group: SealedGroup) -> str:
    """Return what a provider has answered, without anything of the keys."""
    said = ran.result.complaint[: binaries.HEARD].replace(ran.root, "")
    words = " ".join(_END.sub("", _BEGIN.sub("", said)).replace(" | ", " ").split())
    secrets = frozenset().union(*(one.secrets for one in handed.values()))
    (shown,) = mask_text.without((words,), secrets, frozenset())
    return text.printable(f"{group.titles} does not open it: {shown or 'it says nothing'}", _SHOWN)


def _read(out: bytes, kind: FileKind) -> OpenedGroup:
    try:
        return OpenedGroup(documents=_documents(out, kind))
    except (DocumentErrors, DotenvError):
        return OpenedGroup(
            message="what the sops binary has made of it cannot be read: encrypt it in base64, as data"
        )


def _documents(out: bytes, kind: FileKind) -> tuple[Any, ...]:
    if kind is FileKind.BINARY:
        return ({"data": out.decode("utf-8", "surrogateescape")},)
    if kind is FileKind.DOTENV:
        return (dotenv.read(out).document,)
    return tuple(each.value for each in documents.parse(out, _OUTPUT))
