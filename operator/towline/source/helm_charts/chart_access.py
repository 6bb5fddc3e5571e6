"""Read the credentials for servers of charts from a Secret."""

from __future__ import annotations

import base64
import functools
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.api.bound_hosts import UNBOUND_ALLOWED, BoundHosts, Endpoint
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.memfd import MemoryFiles

_LIMIT = 512 * 1024
_TEXT = 16 * 1024
_PAIRS = (("username", "password"), ("tls.crt", "tls.key"))


@dataclass(frozen=True, kw_only=True)  # without slots: its identity is kept
class ChartAccess:
    """How one server of charts is asked; printing it shows no credential.

    Attributes:
        endpoint: the server that the credentials are for.
        name: of the Secret, for messages; empty where there is none.
        bound: the hosts that the Secret is bound to.
    """

    endpoint: Endpoint
    name: str = ""
    bound: BoundHosts = UNBOUND_ALLOWED
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca: bytes = field(default=b"", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)

    @functools.cached_property
    def identity(self) -> str:
        """Hex digits that identify this server together with these credentials."""
        parts = (str(self.endpoint), self.username, self.password, self.token)
        told = (*(part.encode() for part in parts), self.ca, self.certificate, self.key)
        return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in told)).hexdigest()

    @property
    def basic(self) -> str:
        """The value of the header Authorization for username and password; empty without them."""
        if not self.username:
            return ""
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"

    @property
    def authorization(self) -> str:
        """The value of the header Authorization for this server; empty without credentials."""
        return f"Bearer {self.token}" if self.token else self.basic

    def is_for(self, other: Endpoint) -> bool:
        """Tell whether a server is the one that the credentials are for."""
        return (self.endpoint.host, self.endpoint.port) == (other.host, other.port)

    def trust(self) -> ssl.SSLContext:
        """Return what checks the server's certificate and shows ours; reading the system's authorities takes long."""
        context = ssl.create_default_context(cadata=self.ca.decode("ascii") or None)
        if self.certificate:
            with MemoryFiles() as files:
                context.load_cert_chain(files.ours(self.certificate), files.ours(self.key), _no_passphrase)
        return context

    def trust_of_others(self) -> ssl.SSLContext:
        """Return what checks servers that this one redirects to: by the system's authorities and its own."""
        context = ssl.create_default_context()
        if self.ca:
            context.load_verify_locations(cadata=self.ca.decode("ascii"))
        return context


def of(
    url: str, name: str, secret: Mapping[str, bytes] | None, bound: BoundHosts = UNBOUND_ALLOWED
) -> ChartAccess:
    """Return how a server is asked.

    Args:
        url: of the server, `https://…`.
        name: of the Secret, empty where there is none.
        secret: its content; None where it does not exist.
        bound: the hosts that it is bound to.

    Raises:
        SourceError: AuthConfigInvalid; the message names keys, never values.
    """
    endpoint = Remote(url=url).endpoint
    if not name:
        return ChartAccess(endpoint=endpoint)
    if secret is None:
        raise _unfit(name, "does not exist: create it in the namespace of the GitRepository")
    if refusal := bound.refusal(endpoint):
        raise _unfit(name, refusal.replace("set spec.url to", "name"))
    for one, other in _PAIRS:
        if (one in secret) != (other in secret):
            raise _unfit(name, f"must have {one} and {other}, or neither of them")
    if "username" in secret and "bearerToken" in secret:
        raise _unfit(name, "has username and bearerToken: remove one of them")
    found = ChartAccess(
        endpoint=endpoint,
        name=name,
        bound=bound,
        username=_text(name, secret, "username"),
        password=_text(name, secret, "password"),
        token=_text(name, secret, "bearerToken"),
        ca=_file(name, secret, "ca.crt"),
        certificate=_file(name, secret, "tls.crt"),
        key=_file(name, secret, "tls.key"),
    )
    if not (found.authorization or found.ca or found.certificate):
        raise _unfit(name, "needs username and password, bearerToken, tls.crt and tls.key, or ca.crt")
    try:
        found.trust()
    except (ssl.SSLError, ValueError, OSError):
        raise _unfit(
            name, "must have PEM in ca.crt, tls.crt and tls.key, and a key without a passphrase that fits"
        ) from None
    return found


def _no_passphrase() -> str:
    """Answer OpenSSL, which asks the terminal otherwise."""
    return ""


def _text(name: str, secret: Mapping[str, bytes], key: str) -> str:
    value = secret.get(key, b"").removesuffix(b"\n").removesuffix(b"\r")
    if key in secret and not 0 < len(value) <= _TEXT:
        raise _unfit(name, f"must have between 1 and {_TEXT} bytes in the key {key}")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _unfit(name, f"must have UTF-8 in the key {key}") from None
    if not text.isprintable() or (key == "username" and ":" in text):
        raise _unfit(name, f"has a character in the key {key} that HTTP does not allow there")
    return text


def _file(name: str, secret: Mapping[str, bytes], key: str) -> bytes:
    value = secret.get(key, b"")
    if len(value) > _LIMIT or (key in secret and not value.isascii()):
        raise _unfit(name, f"must have PEM of at most {_LIMIT} bytes in the key {key}")
    return value


def _unfit(name: str, why: str) -> SourceError:
    return SourceError(Reason.AUTH_CONFIG_INVALID, f"spec.remotes: Secret {name} {why}")
