"""Read what SOPS writes about a document into its map `sops`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline import text
from towline.api import expressions
from towline.api.expressions import ExpressionError
from towline.render.sops import recipients

_SUFFIX = "_unencrypted"
"""What the names of values end in that are left plain, where a file says nothing else."""

_MANY = 100  # recipients
_SHOWN = 100  # bytes of a recipient

_UNSUPPORTED = (
    "mac_only_encrypted",
    "shamir_threshold",
    "key_groups",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
)


class MetadataError(ValueError):
    """The map `sops` cannot be used; `field` is the one of its fields that is concerned, empty where it is all."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Scope(StrEnum):
    """How a file says which of its values are encrypted, by the names that lead to them."""

    UNENCRYPTED_SUFFIX = "unencrypted_suffix"
    ENCRYPTED_SUFFIX = "encrypted_suffix"
    UNENCRYPTED_REGEX = "unencrypted_regex"
    ENCRYPTED_REGEX = "encrypted_regex"


@dataclass(frozen=True, slots=True, kw_only=True)
class SopsMetadata:
    """What a document says of its encryption.

    `mac` is the sealed message authentication code, `modified` what it is bound to; `sealed_keys` are the data key for
    each of the `recipients`; `scope` and `pattern` say which values are encrypted.
    """

    mac: str
    modified: str
    recipients: tuple[str, ...]
    sealed_keys: tuple[str, ...]
    scope: Scope
    pattern: str

    def test(self) -> Callable[[str], bool]:
        """Return what tells whether a name matches the pattern; it remembers each name.

        Raises:
            MetadataError: when it is asked, if the pattern is malformed or too large.
        """
        if self.scope in {Scope.UNENCRYPTED_SUFFIX, Scope.ENCRYPTED_SUFFIX}:
            return lambda name: name.endswith(self.pattern)
        known: dict[str, bool] = {}

        def matches(name: str) -> bool:
            if name not in known:
                try:
                    known[name] = expressions.matches(self.pattern, name)
                except ExpressionError as error:
                    raise MetadataError(f"sops.{self.scope} {error}", self.scope) from error
            return known[name]

        return matches

    @property
    def match_is_encrypted(self) -> bool:
        """Whether what matches the pattern is encrypted, instead of left plain."""
        return self.scope in {Scope.ENCRYPTED_SUFFIX, Scope.ENCRYPTED_REGEX}


def read(sops: Any) -> SopsMetadata:
    """Return what the map `sops` of a document says.

    Raises:
        MetadataError: it is malformed, or needs what is not supported; the message says what to do.
    """
    if not isinstance(sops, Mapping):
        raise MetadataError("sops must be a map: it is what SOPS writes")
    for name in _UNSUPPORTED:
        if sops.get(name):
            raise MetadataError(f"sops.{name} is not supported: encrypt the file again without it", name)
    mac, modified = sops.get("mac"), sops.get("lastmodified")
    if not isinstance(mac, str) or not isinstance(modified, str):
        raise MetadataError("sops.mac or sops.lastmodified is missing: encrypt the file again with sops")
    names, sealed_keys = _age(sops)
    scope, pattern = _scope(sops)
    return SopsMetadata(
        mac=mac,
        modified=modified,
        recipients=names,
        sealed_keys=sealed_keys,
        scope=scope,
        pattern=pattern,
    )


def _age(sops: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    entries = sops.get("age") or ()
    if not isinstance(entries, list | tuple) or len(entries) > _MANY:
        raise MetadataError(f"sops.age must be a list of at most {_MANY} recipients", "age")
    found = [each for each in entries if isinstance(each, Mapping) and isinstance(each.get("enc"), str)]
    if not found:
        raise MetadataError(
            f"encrypted for {recipients.titles(sops)}, and not for age: add a recipient of age to .sops.yaml and run "
            "sops updatekeys"
        )
    names = tuple(text.printable(str(each.get("recipient", "")), _SHOWN) for each in found)
    return names, tuple(each["enc"] for each in found)


def feature(sops: Mapping[str, Any]) -> str:
    """Return what a document needs of SOPS that Python does not do; empty where there is nothing."""
    return next((f"sops.{name}" for name in _UNSUPPORTED if sops.get(name)), "")


def sealed_for_age(sops: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the data key of a document as it is sealed for each recipient of age; none where it is malformed."""
    try:
        return _age(sops)[1]
    except MetadataError:
        return ()


def _scope(sops: Mapping[str, Any]) -> tuple[Scope, str]:
    given = [(scope, sops[scope]) for scope in Scope if sops.get(scope)]
    if not given:
        return Scope.UNENCRYPTED_SUFFIX, _SUFFIX
    (scope, pattern), *more = given
    if more or not isinstance(pattern, str):
        raise MetadataError(f"sops.{scope} must be a string, and the only rule of the file", scope)
    return scope, pattern
