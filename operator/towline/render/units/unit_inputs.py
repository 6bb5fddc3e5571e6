"""Hand a build the files that it reads: parsed, and decrypted where SOPS has encrypted them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from towline.errors import Failure, Reason
from towline.render.documents import YamlLimits
from towline.render.sops import decryption, encrypted_files
from towline.render.sops.decryption import DecryptedValue
from towline.render.sops.encrypted_files import DecryptedFile, EncryptedFileError
from towline.render.sops.keyring import Keyring
from towline.render.split import FileFault
from towline.render.units import inputs
from towline.render.units.graph import Graph
from towline.render.units.inputs import InputFile, InputReader
from towline.render.validate import ENCRYPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitInputs:
    """The files that a build reads, by path.

    Attributes:
        committed: their contents as the commit has them.
        contents: what the tool gets, without encryption.
        files: the same, parsed; lines are those of the commit.
        values: every value that was encrypted, by file.
        failures: why the unit cannot be built.
    """

    committed: Mapping[str, bytes] = field(repr=False)
    contents: Mapping[str, bytes] = field(repr=False)
    files: Mapping[str, InputFile] = field(repr=False)
    values: Mapping[str, tuple[DecryptedValue, ...]] = field(repr=False)
    failures: tuple[Failure, ...] = ()

    @property
    def texts(self) -> frozenset[str]:
        """What must be shown nowhere, wherever it lands."""
        return frozenset().union(*map(decryption.texts, self.values.values()))


def read(
    unit: Graph, committed: Mapping[str, bytes], reader: InputReader, keys: Keyring | None
) -> UnitInputs:
    """Parse and decrypt what a unit reads.

    Args:
        unit: says which files are only values.
        committed: the contents of all its files.
        reader: parses them.
        keys: the private keys; None where nothing is decrypted.
    """
    limits = reader.limits
    contents, files = dict(committed), dict[str, InputFile]()
    values: dict[str, tuple[DecryptedValue, ...]] = {}
    failures: list[Failure] = []
    for path, content in committed.items():
        is_raw = path in unit.raw
        file = reader.file(path, content, is_raw=is_raw)
        if encrypted_files.is_encrypted(path, content, limits):
            try:
                opened = _opened(path, content, limits, keys)
            except EncryptedFileError as error:
                failures += [_failure(unit.name(path), fault.line, fault.message) for fault in error.faults]
            else:
                contents[path], values[path] = opened.content, opened.values
                file = inputs.raw(path, opened.content) if is_raw else _parsed(file, opened, limits)
        files[path] = file
    return UnitInputs(
        committed=committed, contents=contents, files=files, values=values, failures=tuple(failures)
    )


def _opened(path: str, content: bytes, limits: YamlLimits, keys: Keyring | None) -> DecryptedFile:
    if keys is None:
        raise EncryptedFileError(FileFault(1, ENCRYPTED))
    return encrypted_files.decrypted_file(path, content, keys, limits)


def _parsed(file: InputFile, opened: DecryptedFile, limits: YamlLimits) -> InputFile:
    """Return a decrypted file with the lines of the encrypted one, where its documents are the same."""
    if len(opened.documents) != len(file.documents):
        return inputs.parsed(file.path, opened.content, limits)
    pairs = zip(file.documents, opened.documents, strict=True)
    return replace(file, documents=tuple(replace(each, value=value) for each, value in pairs))


def _failure(path: str, line: int, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=path, line=line)
