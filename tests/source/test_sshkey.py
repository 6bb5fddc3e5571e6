from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest
from towline.source import sshkey

from tests.source import sshserver


def made(kind: str, form: str) -> bytes:
    return asyncssh.generate_private_key(kind).export_private_key(form)


def rsa(bits: int) -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-rsa", key_size=bits)


@pytest.mark.parametrize("form", ["openssh", "pkcs1-pem", "pkcs8-pem"])
def test_a_strong_rsa_key_is_fine_and_a_weak_one_is_named_with_its_bits(form: str) -> None:
    assert sshkey.fault(rsa(2048).export_private_key(form), passphrase=False) == ""
    assert "1024 bits" in sshkey.fault(rsa(1024).export_private_key(form), passphrase=False)


@pytest.mark.parametrize(
    ("kind", "form"),
    [("ssh-ed25519", "openssh"), ("ssh-ed25519", "pkcs8-pem"), ("ecdsa-sha2-nistp256", "pkcs1-pem")],
)
def test_other_kinds_are_fine(kind: str, form: str) -> None:
    assert sshkey.fault(made(kind, form), passphrase=False) == ""


@pytest.mark.parametrize("form", ["openssh", "pkcs1-pem", "pkcs8-pem"])
def test_an_encrypted_key_needs_its_passphrase(form: str, tmp_path: Path) -> None:
    if form == "openssh":
        key = sshserver.locked(rsa(2048), "s3cr3t", tmp_path)
    else:
        key = rsa(2048).export_private_key(form, "s3cr3t")
    assert "encrypted" in sshkey.fault(key, passphrase=False)
    assert sshkey.fault(key, passphrase=True) == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ssh-ed25519 AAAA",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n%%%\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA/////w==\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ],
)
def test_what_is_no_key_is_said_to_be_none(content: bytes) -> None:
    assert "private key" in sshkey.fault(content, passphrase=False)
