"""Who may talk to the embedded API server: users with tokens, keys and certificates made for one run."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ADMIN = "admin"
OPERATOR = "towline"
CONTROLLERS = "system:kube-controller-manager"
NODES = "kwok"

USERS: Mapping[str, tuple[str, ...]] = {
    ADMIN: ("system:masters",),
    CONTROLLERS: ("system:masters",),
    NODES: ("system:masters",),
    OPERATOR: (),
    "alice": (),
    "bob": (),
    "limited": (),
}
"""Groups by user. Those without one have no rights until a role is bound to them: the set-up binds
cluster-admin to the operator, and a test may run another one as `limited`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The files of one control plane that prove who is who."""

    folder: Path
    tokens: Mapping[str, str]

    @property
    def token_file(self) -> Path:
        """The API server's static tokens."""
        return self.folder / "tokens.csv"

    @property
    def certificate_authority(self) -> Path:
        """The certificate that clients trust."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The API server's certificate chain."""
        return self.folder / "apiserver.crt"

    @property
    def key(self) -> Path:
        """The API server's private key."""
        return self.folder / "apiserver.key"

    @property
    def service_accounts(self) -> Path:
        """The private key that signs the tokens of service accounts."""
        return self.folder / "service-accounts.key"

    def kubeconfig(self, server: str, user: str) -> Path:
        """Write the kubeconfig of one user for `server`, an https URL, and return its path."""
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "towline",
            "contexts": [{"name": "towline", "context": {"cluster": "towline", "user": user}}],
            "clusters": [
                {
                    "name": "towline",
                    "cluster": {"server": server, "certificate-authority": str(self.certificate_authority)},
                }
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
        }
        path.write_text(json.dumps(body, indent=2))
        path.chmod(0o600)
        return path


def make(folder: Path) -> Identity:
    """Write keys, certificates and tokens below `folder`, which is created."""
    folder.mkdir(mode=0o700)
    identity = Identity(folder=folder, tokens={user: secrets.token_hex(16) for user in USERS})
    identity.token_file.write_text("".join(_token_line(identity, user) for user in USERS))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(identity.certificate_authority))
    served = authority.issue_cert("127.0.0.1", "localhost")
    served.private_key_pem.write_to_path(str(identity.key))
    served.cert_chain_pems[0].write_to_path(str(identity.certificate))
    signing = ec.generate_private_key(ec.SECP256R1())
    identity.service_accounts.write_bytes(
        signing.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return identity


def _token_line(identity: Identity, user: str) -> str:
    groups = ",".join(USERS[user])
    return f'{identity.tokens[user]},{user},{user},"{groups}"\n'
