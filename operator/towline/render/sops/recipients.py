"""Say who can open a document that SOPS has encrypted, and whether it leads its keys to a server of somebody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from towline import text
from towline.render.sops.provider_keys import VAULT_ADDRESS, Handed, Provider

TITLES = {
    "age": "age",
    "pgp": "PGP",
    "kms": "AWS KMS",
    "gcp_kms": "GCP KMS",
    "azure_kv": "Azure Key Vault",
    "hc_vault": "Vault",
    "hckms": "Huawei Cloud KMS",
}
"""Those whom SOPS knows, by the names of their lists."""

_GROUPS = "key_groups"
_LISTS = {*TITLES, _GROUPS}
_SHOWN = 200  # bytes
_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]+:(?:key|alias)/[A-Za-z0-9/_-]+")
_AZURE = re.compile(
    r"https://[A-Za-z0-9-]+\.(?:vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|managedhsm\.azure\.net)/?"
)

_HUAWEI = re.compile(r"[a-z0-9-]+:[A-Za-z0-9-]+")


def entries(sops: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each recipient with the name of its list, those of key groups included."""
    for group in _groups(sops):
        for name in TITLES:
            listed = group.get(name)
            for each in listed if isinstance(listed, list) else ():
                if isinstance(each, Mapping):
                    yield name, each


def _groups(sops: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what has lists of recipients: the map itself, and its groups."""
    yield sops
    groups = sops.get(_GROUPS)
    yield from (each for each in (groups if isinstance(groups, list) else ()) if isinstance(each, Mapping))


def _unknown(sops: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of lists that are none of recipients whom we know."""
    for group in _groups(sops):
        yield from (
            name for name, value in group.items() if value and isinstance(value, list) and name not in _LISTS
        )


def titles(sops: Mapping[str, Any]) -> str:
    """Return for whom a document is encrypted, as messages say it."""
    return ", ".join(dict.fromkeys(TITLES[name] for name, _ in entries(sops))) or "nobody"


def led_astray(sops: Mapping[str, Any], handed: Mapping[Provider, Handed]) -> str:
    """Return why a document must not be given to the binary: it would ask a server that is not the provider's.

    The binary asks everybody whom a document names, also those for whom it has no key. Who may commit could otherwise
    learn a token of the Secret, or reach servers that only the operator does.

    Args:
        sops: what SOPS has written into the document.
        handed: what the binary would get, by provider.
    """
    if unknown := next(_unknown(sops), ""):
        return f"sops.{text.printable(unknown, _SHOWN)} is not known, and might lead to any server"
    vault = handed.get(Provider.VAULT)

    def is_vault(address: str) -> bool:
        return vault is not None and address.strip().rstrip("/") == vault.address

    checks: dict[str, tuple[str, Callable[[str], object], str]] = {
        "kms": ("arn", _ARN.fullmatch, "is not the ARN of a key of AWS KMS"),
        "azure_kv": ("vault_url", _AZURE.fullmatch, "is not the address of an Azure Key Vault"),
        "hckms": ("key_id", _HUAWEI.fullmatch, "is not a key of Huawei Cloud KMS"),
        "hc_vault": (
            "vault_address",
            is_vault,
            f"is not the server that {VAULT_ADDRESS} of the Secret names",
        ),
    }
    for name, entry in entries(sops):
        if name in checks:
            key, test, words = checks[name]
            found = str(entry.get(key, ""))
            if not test(found):
                return f"sops.{name}: {text.printable(found, _SHOWN)} {words}"
    return ""
