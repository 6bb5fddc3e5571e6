"""What the sops binary is handed for each provider. No provider was ever asked: a script tells what it was given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.sops import encrypted_files, keyring, opened_files, sops_binary
from towline.render.sops.encrypted_files import EncryptedFileError
from towline.render.sops.keyring import KeyringError
from towline.render.sops.opened_files import UnopenedError
from towline.shares.pools import Pools

LIMITS = YamlLimits()
VALUE = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]"
TELLS = """#!/bin/sh
echo "arguments: $*"
/usr/bin/env
for file in keys/*; do echo "$file:"; /bin/cat "$file"; echo; done
"""
AWS = {
    "sops.aws-kms": b"aws_access_key_id: AKIA1\naws_secret_access_key: s3cret-of-aws\naws_session_token: t0ken-of-aws\n"
}
GCP_KEY = {"type": "service_account", "project_id": "shop", "private_key": "s3cret-of-gcp"}
GCP = {"sops.gcp-kms": json.dumps(GCP_KEY | {"token_uri": "http://169.254.169.254/"}).encode()}
GCP_TOKENS = "https://oauth2.googleapis.com/token"
AZURE = {"sops.azure-kv": b"tenantId: tenant-1\nclientId: client-1\nclientSecret: s3cret-of-azure\n"}
AZ = {"sops.azure-kv": b'{"appId": "client-1", "password": "s3cret-of-azure", "tenant": "tenant-1"}'}
CERTIFICATE = {
    "sops.azure-kv": b"tenantId: tenant-1\nclientId: client-1\nclientCertificate: |\n  -----BEGIN\n"
    b"clientCertificateSendChain: true\n"
}
VAULT = {"sops.vault-token": b"s.token-of-vault\n", "sops.vault-address": b"https://vault.example.com/"}
ARN = {"arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab"}
AZURE_KEY = {"vault_url": "https://shop.vault.azure.net", "name": "sops", "version": "1"}
VAULT_KEY = {"vault_address": "https://vault.example.com", "engine_path": "sops", "key_name": "a"}


def sealed(**recipients: Any) -> bytes:
    """Return a file as sops would have encrypted it for these recipients."""
    sops = {"mac": VALUE, "lastmodified": "2026-01-01T00:00:00Z", **recipients}
    return json.dumps({"data": VALUE, "sops": sops}).encode()


async def ran(
    folder: Path,
    content: bytes,
    secret: Mapping[str, bytes],
    script: str = TELLS,
    *,
    asks_vault: bool = True,
    seconds: float = 60,
) -> str:
    """Return what a script in the place of sops makes of a file."""
    fake = folder / "sops"
    fake.write_text(script)
    fake.chmod(0o755)
    jail = Jail(folder / "renders", Pools.here(), seconds)
    binary = sops_binary.find(jail, str(fake), asks_vault=asks_vault)
    keys = keyring.keyring(secret, "Secret shop/keys").through(binary)
    known = await opened_files.opened(keys, {"blob": content}, LIMITS)
    assert known
    return encrypted_files.decrypted_file("blob", content, known, LIMITS).content.decode()


async def refusal(
    folder: Path, content: bytes, secret: Mapping[str, bytes], *, asks_vault: bool = True
) -> str:
    with pytest.raises(EncryptedFileError) as caught:
        await ran(folder, content, secret, asks_vault=asks_vault)
    return str(caught.value)


@pytest.mark.parametrize(
    ("recipients", "secret", "lines"),
    [
        (
            {"kms": [ARN]},
            AWS,
            {
                "AWS_ACCESS_KEY_ID=AKIA1",
                "AWS_SECRET_ACCESS_KEY=s3cret-of-aws",
                "AWS_SESSION_TOKEN=t0ken-of-aws",
                "AWS_EC2_METADATA_DISABLED=true",
            },
        ),
        (
            {"gcp_kms": [{"resource_id": "projects/x"}]},
            GCP,
            {
                "GOOGLE_APPLICATION_CREDENTIALS=keys/gcp.json",
                "keys/gcp.json:",
                json.dumps(GCP_KEY | {"token_uri": GCP_TOKENS}, separators=(",", ":")),
            },
        ),
        (
            {"azure_kv": [AZURE_KEY]},
            AZURE,
            {"AZURE_TENANT_ID=tenant-1", "AZURE_CLIENT_ID=client-1", "AZURE_CLIENT_SECRET=s3cret-of-azure"},
        ),
        (
            {"azure_kv": [AZURE_KEY]},
            AZ,
            {"AZURE_TENANT_ID=tenant-1", "AZURE_CLIENT_ID=client-1", "AZURE_CLIENT_SECRET=s3cret-of-azure"},
        ),
        (
            {"azure_kv": [AZURE_KEY]},
            CERTIFICATE,
            {
                "AZURE_CLIENT_CERTIFICATE_PATH=keys/azure.pem",
                "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN=true",
                "keys/azure.pem:",
                "-----BEGIN",
            },
        ),
        ({"hc_vault": [VAULT_KEY]}, VAULT, {"VAULT_TOKEN=s.token-of-vault"}),
        ({"key_groups": [{"hc_vault": [VAULT_KEY]}]}, VAULT, {"VAULT_TOKEN=s.token-of-vault"}),
    ],
)
async def test_each_provider_gets_its_own_and_nothing_in_an_argument(
    tmp_path: Path, recipients: dict[str, Any], secret: dict[str, bytes], lines: set[str]
) -> None:
    told = await ran(tmp_path, sealed(**recipients), AWS | GCP | VAULT | secret)
    arguments, *others = told.splitlines()
    assert arguments == "arguments: decrypt --input-type binary --output-type binary document"
    assert lines <= set(others)
    kept = {"AWS_SECRET", "GOOGLE_", "AZURE_CLIENT_ID", "VAULT_"}
    assert sum(any(line.startswith(name) for line in others) for name in kept) == 1


async def test_an_answer_of_a_provider_is_told_without_the_keys_and_another_try_may_end_otherwise(
    tmp_path: Path,
) -> None:
    script = (
        "#!/bin/sh\necho 'Failed to get the data key. Group 0: FAILED arn: FAILED - | AccessDenied for s3cret-of-aws.' "
        "'Recovery failed because no key' >&2\nexit 128\n"
    )
    with pytest.raises(UnopenedError) as caught:
        await ran(tmp_path, sealed(kms=[ARN]), AWS, script)
    assert caught.value.passing
    assert caught.value.file == "blob"
    assert caught.value.message == "AWS KMS does not open it: arn: FAILED - AccessDenied for ***."


async def test_a_provider_that_does_not_answer_is_named(tmp_path: Path) -> None:
    hangs = "#!/bin/sh\nexec /bin/sleep 600\n"
    with pytest.raises(UnopenedError, match="AWS KMS did not answer in time: look whether") as caught:
        await ran(tmp_path, sealed(kms=[ARN]), AWS, hangs, seconds=1)
    assert caught.value.passing


@pytest.mark.parametrize(
    ("recipients", "words"),
    [
        (
            {"hc_vault": [VAULT_KEY | {"vault_address": "https://evil.example.com"}]},
            "https://evil.example.com is not the server that sops.vault-address of the Secret names",
        ),
        (
            {"key_groups": [{"hc_vault": [VAULT_KEY | {"vault_address": "https://evil.example.com"}]}]},
            "https://evil.example.com is not the server",
        ),
        ({"kms": [{"arn": "arn:aws:kms:evil.example.com/#:1:key/a"}]}, "is not the ARN of a key of AWS KMS"),
        (
            {"azure_kv": [AZURE_KEY | {"vault_url": "http://169.254.169.254"}]},
            "169.254.169.254 is not the address of an Azure Key Vault",
        ),
        (
            {"kms": [ARN], "azure_kv": [AZURE_KEY | {"vault_url": "http://169.254.169.254"}]},
            "is not the address of an Azure Key Vault",
        ),
        ({"kms": [ARN], "hckms": [{"key_id": "evil.example.com/#:1"}]}, "is not a key of Huawei Cloud KMS"),
        ({"kms": [ARN], "later_kms": [{"url": "http://evil"}]}, "sops.later_kms is not known"),
    ],
)
async def test_a_file_leads_no_key_to_another_server(
    tmp_path: Path, recipients: dict[str, Any], words: str
) -> None:
    assert words in await refusal(tmp_path, sealed(**recipients), AWS | AZURE | VAULT)


async def test_a_server_of_vault_is_not_asked_without_a_token_for_it_either(tmp_path: Path) -> None:
    told = await refusal(tmp_path, sealed(hc_vault=[VAULT_KEY], kms=[ARN]), AWS)
    assert "https://vault.example.com is not the server that sops.vault-address of the Secret names" in told


async def test_vault_is_not_asked_where_a_tenant_must_not_explore_the_network(tmp_path: Path) -> None:
    told = await refusal(tmp_path, sealed(hc_vault=[VAULT_KEY]), VAULT | AWS, asks_vault=False)
    assert "which an operator with --deny-private-addresses or --hide-connection-details does not ask" in told


async def test_credentials_of_the_operator_are_never_used(tmp_path: Path) -> None:
    told = await refusal(tmp_path, sealed(kms=[ARN]), GCP)
    assert (
        "no key in Secret shop/keys (spec.decryption.secretRef) opens it: it is encrypted for AWS KMS" in told
    )


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ({"sops.aws-kms": b"aws_access_key_id: a\n"}, "sops.aws-kms: aws_secret_access_key must be a string"),
        ({"sops.aws-kms": b"- a"}, "sops.aws-kms must be a map in YAML or JSON"),
        ({"sops.aws-kms": b"a: b: c"}, "sops.aws-kms must be a map in YAML or JSON: line 1"),
        (
            {"sops.gcp-kms": b'{"type": "external_account"}'},
            "sops.gcp-kms must be the key of a service account",
        ),
        ({"sops.azure-kv": b"clientId: managed"}, "sops.azure-kv: tenantId must be a string"),
        ({"sops.azure-kv": b"tenantId: t\nclientId: c\n"}, "sops.azure-kv: clientSecret must be a string"),
        (
            {
                "sops.azure-kv": b"tenantId: t\nclientId: c\nclientSecret: s3cret\nauthorityHost: https://evil.example.com\n"
            },
            "sops.azure-kv: authorityHost must be one of https://login",
        ),
        ({"sops.vault-token": b"s3cret"}, "sops.vault-token needs the key sops.vault-address next to it"),
        ({"shop.asc": b"s3cret"}, "the key shop.asc holds no private key of OpenPGP in armor"),
        ({"a.txt": b"s3cret"}, "no key of the Secret ends in .agekey .* no other key for SOPS"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_without_its_value(secret: dict[str, bytes], words: str) -> None:
    with pytest.raises(KeyringError, match=words) as caught:
        keyring.keyring(secret)
    assert "s3cret" not in str(caught.value)


def test_keys_are_told_from_others_without_showing_them() -> None:
    one, other = (
        keyring.keyring(AWS),
        keyring.keyring({"sops.aws-kms": AWS["sops.aws-kms"].replace(b"1", b"2")}),
    )
    assert one.fingerprint(b"k") != other.fingerprint(b"k")
    assert "s3cret" not in repr(one) + repr(one.handed)
