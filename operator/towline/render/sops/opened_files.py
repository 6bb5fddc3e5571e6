"""Have the sops binary open, before files are parsed, what of them Python does not decrypt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from towline.errors import BuildError, CostlyBuildError, Failure, Reason
from towline.render.confined.jail import JailError
from towline.render.documents import YamlLimits
from towline.render.sops import recipients, sealed_groups, sops_binary
from towline.render.sops.file_kinds import SOPS
from towline.render.sops.keyring import Keyring
from towline.render.sops.opened_groups import OpenedGroup
from towline.render.sops.provider_keys import Provider
from towline.render.sops.sealed_groups import SealedGroup

ABSENT = (
    "which takes the sops binary, and that is not installed where the operator runs: add sops 3 to its image, or name "
    "its path with --sops"
)

_NO_VAULT = (
    "encrypted for Vault, which an operator with --deny-private-addresses or --hide-connection-details does not ask, "
    "because a Secret chooses its address: encrypt the file for age as well, with sops updatekeys"
)


class UnopenedError(JailError):
    """The binary could not say what is in a file; `file` is its path, which the message does not name."""

    def __init__(self, message: str, file: str, *, passing: bool) -> None:
        super().__init__(message, passing=passing)
        self.file = file

    @property
    def failure(self) -> Failure:
        """What is wrong with the file."""
        return Failure(reason=Reason.BUILD_FAILED, message=self.message, file=self.file, line=1)

    def as_build_error(self) -> BuildError:
        """Return the error that ends a pass, which says how soon it is worth while to try again."""
        return (CostlyBuildError if self.passing else BuildError)((self.failure,))


async def opened(keys: Keyring | None, files: Mapping[str, bytes], limits: YamlLimits) -> Keyring | None:
    """Return the keys, knowing what the binary has made of these files: one child for what is encrypted together.

    What it has opened is kept as long as the keys that are returned, which is while these files are read.

    Args:
        keys: the private keys; None where nothing is decrypted.
        files: the contents by path, as Git has them.
        limits: how much of a file is read.

    Raises:
        UnopenedError: another try may end otherwise, or the binary exceeded a limit.
    """
    if keys is None:
        return None
    needed = await asyncio.to_thread(_needed, keys, files, limits)
    found: dict[str, OpenedGroup] = {}
    for path, group in needed:
        if group.digest not in found:
            try:
                found[group.digest] = await _opened(keys, group)
            except JailError as error:
                raise UnopenedError(error.message, path, passing=error.passing) from error
    return keys.knowing(found) if found else keys


def _needed(keys: Keyring, files: Mapping[str, bytes], limits: YamlLimits) -> list[tuple[str, SealedGroup]]:
    return [
        (path, group)
        for path, content in files.items()
        if sealed_groups.may_need_the_binary(content)
        for group in sealed_groups.groups(path, content, limits)
        if group.feature or (group.lists - {"age"} and keys.open(group.age_keys) is None)
    ]


async def _opened(keys: Keyring, group: SealedGroup) -> OpenedGroup:
    if keys.binary is None:
        return OpenedGroup(message=f"{group.feature or f'encrypted for {group.titles}'}, {ABSENT}")
    handed = {provider: given for provider, given in keys.handed.items() if provider in group.lists}
    if Provider.VAULT in group.lists and not keys.binary.asks_vault:
        return OpenedGroup(message=_NO_VAULT)
    if not handed:
        return OpenedGroup(message=sops_binary.no_key(group, keys.holder))
    for document in group.documents:
        if astray := recipients.led_astray(document[SOPS], handed):
            return OpenedGroup(message=f"{astray}: correct it, and encrypt the file again with sops")
    return await keys.binary.opened(group, handed, keys.holder)
