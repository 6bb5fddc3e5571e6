"""Read the keys of a Secret that only the sops binary uses, and say what it is handed of each, by the names of Flux.

https://fluxcd.io/flux/components/kustomize/kustomizations/#decryption
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from towline import text
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits

ARMORED = ".asc"
AWS_KMS = "sops.aws-kms"
GCP_KMS = "sops.gcp-kms"
AZURE_KV = "sops.azure-kv"
VAULT_TOKEN = "sops.vault-token"  # noqa: S105  a name
VAULT_ADDRESS = "sops.vault-address"
"""Not of Flux: the server that a token of Vault is for. Files in Git name one, too, and the token must not follow."""

_FOLDER = "keys"
_BLOCK = re.compile(
    rb"-----BEGIN PGP PRIVATE KEY BLOCK-----\r?\n(?:[!-~]+: [^\n]*\n)*[ \t\r]*\n"
    rb"([A-Za-z0-9+/=\s]+?)(?:\n=[A-Za-z0-9+/]{4}\s*)?\n-----END PGP PRIVATE KEY BLOCK-----"
)
_AZURE_NAMES = {
    "AZURE_TENANT_ID": (("tenantId", "tenant"), True),
    "AZURE_CLIENT_ID": (("clientId", "appId"), True),
    "AZURE_CLIENT_SECRET": (("clientSecret", "password"), False),
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": (("clientCertificatePassword",), False),
    "AZURE_AUTHORITY_HOST": (("authorityHost",), False),
}
"""Each variable with the fields that it is from, those of Flux and those of `az`, and whether it is needed."""

_AUTHORITIES = frozenset(
    {
        "https://login.microsoftonline.com",
        "https://login.microsoftonline.us",
        "https://login.chinacloudapi.cn",
    }
)
_GCP_FIELDS = ("type", "project_id", "private_key_id", "private_key", "client_email", "client_id")
_GCP_TOKENS = "https://oauth2.googleapis.com/token"
"""Whatever a Secret says: who may write one must not choose whom the operator asks."""

_LIMITS = YamlLimits(file_bytes=64 * 1024, depth=4, nodes=200)
_SHOWN = 100  # bytes of a name
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


class Provider(StrEnum):
    """Who can open the data key of a file: the names of SOPS in its map `sops`."""

    AGE = "age"
    PGP = "pgp"
    AWS = "kms"
    GCP = "gcp_kms"
    AZURE = "azure_kv"
    VAULT = "hc_vault"


class ProviderKeyError(ValueError):
    """A key of the Secret cannot be used; the message names it, never its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What the binary is handed for one provider: variables, and files by their paths from where it runs.

    `network` says that it asks a server; `address` is the only one that it may ask, empty where the provider's are
    known; `secrets` is what of it an answer must not show.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    network: bool = True
    address: str = ""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def read(secret: Mapping[str, bytes]) -> dict[Provider, Handed]:
    """Return what a Secret holds for the binary, by provider.

    Args:
        secret: its decoded content by key.

    Raises:
        ProviderKeyError: one of the keys cannot be used.
    """
    found: dict[Provider, Handed] = {}
    armored = {name: value for name, value in secret.items() if name.endswith(ARMORED)}
    if armored:
        ring = b"".join(_private_keys(name, armored[name]) for name in sorted(armored))
        found[Provider.PGP] = Handed(
            environment={"GNUPGHOME": _FOLDER}, files={f"{_FOLDER}/secring.gpg": ring}, network=False
        )
    readers = {
        AWS_KMS: (Provider.AWS, _aws),
        GCP_KMS: (Provider.GCP, _gcp),
        AZURE_KV: (Provider.AZURE, _azure),
    }
    for name, (provider, reader) in readers.items():
        if name in secret:
            found[provider] = reader(secret[name])
    if VAULT_TOKEN in secret:
        found[Provider.VAULT] = _vault(secret)
    return found


def of_age(keys: str) -> Handed:
    """Return what the binary is handed of private keys of age, one a line."""
    path = f"{_FOLDER}/age"
    return Handed(environment={"SOPS_AGE_KEY_FILE": path}, files={path: keys.encode()}, network=False)


def _private_keys(name: str, armored: bytes) -> bytes:
    """Return the keys without their armor: sops opens a ring of them itself, without gpg and its agent."""
    try:
        found = [base64.b64decode(b"".join(each.split()), validate=True) for each in _BLOCK.findall(armored)]
    except binascii.Error:
        found = []
    if not found:
        message = (
            f"the key {text.printable(name, _SHOWN)} holds no private key of OpenPGP in armor: write it with "
            "gpg --export-secret-keys --armor"
        )
        raise ProviderKeyError(message)
    return b"".join(found)


def _aws(value: bytes) -> Handed:
    names = ("aws_access_key_id", "aws_secret_access_key")
    fields = _fields(AWS_KMS, value, names, ("aws_session_token",))
    environment = {name.upper(): given for name, given in fields.items()}
    off = {"AWS_EC2_METADATA_DISABLED": "true"}
    return Handed(environment=environment | off, secrets=frozenset(environment.values()))


def _gcp(value: bytes) -> Handed:
    given = _map(GCP_KMS, value)
    if given.get("type") != "service_account":
        message = f"{GCP_KMS} must be the key of a service account, in JSON, with type: service_account"
        raise ProviderKeyError(message)
    known = {name: given[name] for name in _GCP_FIELDS if isinstance(given.get(name), str)}
    path = f"{_FOLDER}/gcp.json"
    return Handed(
        environment={"GOOGLE_APPLICATION_CREDENTIALS": path},
        files={path: orjson.dumps(known | {"token_uri": _GCP_TOKENS})},
        secrets=frozenset(each for each in known.values() if each.strip()),
    )


def _azure(value: bytes) -> Handed:
    given = _map(AZURE_KV, value)
    certificate = given.get("clientCertificate")
    has_certificate = isinstance(certificate, str)
    environment = {
        variable: _text(AZURE_KV, names[0], found)
        for variable, (names, is_needed) in _AZURE_NAMES.items()
        if (found := next(filter(None, map(given.get, names)), None)) or is_needed
    }
    authority = environment.get("AZURE_AUTHORITY_HOST")
    if authority and authority.rstrip("/") not in _AUTHORITIES:
        raise ProviderKeyError(f"{AZURE_KV}: authorityHost must be one of {', '.join(sorted(_AUTHORITIES))}")
    if not has_certificate:
        _text(AZURE_KV, "clientSecret", environment.get("AZURE_CLIENT_SECRET"))
        return Handed(environment=environment, secrets=_secrets_of_azure(environment))
    path = f"{_FOLDER}/azure.pem"
    environment.pop("AZURE_CLIENT_SECRET", None)
    environment["AZURE_CLIENT_CERTIFICATE_PATH"] = path
    if given.get("clientCertificateSendChain"):
        environment["AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"] = "true"
    return Handed(
        environment=environment,
        files={path: str(certificate).encode()},
        secrets=_secrets_of_azure(environment),
    )


def _secrets_of_azure(environment: Mapping[str, str]) -> frozenset[str]:
    return frozenset(value for name, value in environment.items() if name.endswith(("_SECRET", "_PASSWORD")))


def _vault(secret: Mapping[str, bytes]) -> Handed:
    address = secret.get(VAULT_ADDRESS, b"").decode("utf-8", "replace").strip().rstrip("/")
    if not address.startswith(("https://", "http://")):
        message = (
            f"{VAULT_TOKEN} needs the key {VAULT_ADDRESS} next to it, such as https://vault.example.com: the token is "
            "sent nowhere else, whatever a file in Git says"
        )
        raise ProviderKeyError(message)
    token = _text(VAULT_TOKEN, "the token", secret[VAULT_TOKEN].decode("utf-8", "replace").strip())
    return Handed(environment={"VAULT_TOKEN": token}, address=address, secrets=frozenset({token}))


def _fields(name: str, value: bytes, needed: tuple[str, ...], more: tuple[str, ...]) -> dict[str, str]:
    given = _map(name, value)
    return {
        each: _text(name, each, given.get(each)) for each in (*needed, *(m for m in more if given.get(m)))
    }


def _map(name: str, value: bytes) -> dict[str, Any]:
    try:
        found = documents.parse(value, _LIMITS)
    except DocumentErrors as error:
        raise ProviderKeyError(f"{name} must be a map in YAML or JSON: line {error.faults[0].line}") from None
    if len(found) != 1 or not isinstance(found[0].value, dict):
        raise ProviderKeyError(f"{name} must be a map in YAML or JSON")
    return found[0].value


def _text(name: str, field_name: str, value: Any) -> str:
    if not isinstance(value, str) or not _PRINTABLE.fullmatch(value):
        raise ProviderKeyError(f"{name}: {field_name} must be a string of printable letters")
    return value
