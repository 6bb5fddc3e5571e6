"""Encrypt files as SOPS does, for the key of age that the tests have."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyrage
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PRIVATE = (Path(__file__).parents[2] / "tests" / "render" / "sops" / "private.agekey").read_text(
    encoding="utf-8"
)
_MODIFIED = "2026-11-30T12:00:00Z"


def yaml_file(document: Mapping[str, Any], encrypted_regex: str = "") -> str:
    """Return a document with the values encrypted below the keys that a pattern matches; without one, with all."""
    key, sealed = _sealing(encrypted_regex)
    body = sealed(document)
    rule = {"encrypted_regex": encrypted_regex} if encrypted_regex else {}
    sops = {"age": [{"recipient": recipient(), "enc": _locked(key)}], **_about(key, document), **rule}
    return yaml.safe_dump({**body, "sops": sops}, sort_keys=False)


def env_file(values: Mapping[str, str]) -> str:
    """Return `NAME=value` lines with every value encrypted."""
    key, sealed = _sealing("")
    lines = [f"{name}={value}" for name, value in sealed(values).items()]
    locked = _locked(key).replace("\n", "\\n")
    about = _about(key, values)
    lines += [f"sops_age__list_0__map_enc={locked}", f"sops_age__list_0__map_recipient={recipient()}"]
    lines += [f"sops_{name}={value}" for name, value in about.items()]
    return "".join(f"{line}\n" for line in lines)


def _sealing(encrypted_regex: str) -> tuple[bytes, Callable[..., Any]]:
    key = os.urandom(32)

    def sealed(value: Any, names: tuple[str, ...] = (), *, inside: bool = not encrypted_regex) -> Any:
        if isinstance(value, Mapping):
            return {
                name: sealed(
                    each,
                    (*names, name),
                    inside=inside or bool(encrypted_regex and re.search(encrypted_regex, name)),
                )
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [sealed(each, names, inside=inside) for each in value]
        return _sealed(key, value, ":".join(names) + ":") if inside else value

    return key, sealed


def _sealed(key: bytes, value: Any, place: str) -> str:
    kind = {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]
    nonce = os.urandom(32)
    sealed = AESGCM(key).encrypt(nonce, str(value).encode(), place.encode())
    data, iv, tag = (base64.b64encode(part).decode() for part in (sealed[:-16], nonce, sealed[-16:]))
    return f"ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{kind}]"


def _about(key: bytes, document: Any) -> dict[str, str]:
    digest = hashlib.sha512()
    _hash(document, digest.update)
    mac = _sealed(key, digest.hexdigest().upper(), _MODIFIED)
    return {"lastmodified": _MODIFIED, "mac": mac, "version": "3.11.0"}


def _hash(value: Any, update: Callable[[bytes], None]) -> None:
    if isinstance(value, Mapping):
        for each in value.values():
            _hash(each, update)
    elif isinstance(value, list):
        for each in value:
            _hash(each, update)
    else:
        update(str(value).encode())


def _identity() -> Any:
    return pyrage.x25519.Identity.from_str(
        next(line for line in PRIVATE.splitlines() if line.startswith("AGE-SECRET-KEY-1"))
    )


def recipient() -> str:
    """Return for whom these files are encrypted."""
    return str(_identity().to_public())


def _locked(key: bytes) -> str:
    sealed = base64.b64encode(pyrage.encrypt(key, [_identity().to_public()])).decode()
    lines = "\n".join(sealed[at : at + 64] for at in range(0, len(sealed), 64))
    return f"-----BEGIN AGE ENCRYPTED FILE-----\n{lines}\n-----END AGE ENCRYPTED FILE-----\n"
