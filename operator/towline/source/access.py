"""Which urls are opened and with which credentials: the rules of `spec.url` and of the Secret in `spec.secretRef`."""

from __future__ import annotations

import base64
import functools
import hashlib
import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from towline.api.bound_hosts import UNBOUND_ALLOWED, BoundHosts, Endpoint
from towline.api.gitrepository import Spec
from towline.errors import Reason, SourceError, SpecError
from towline.source import sshkey

CREDENTIALS_SOURCE = "the Secret of spec.secretRef"
"""How messages call the Secret where its name is not known; the status writes its name instead."""

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>/.*)?")
_SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:(?!/).*|[\w-]+(?:\.[\w-]+)+:(?!/).*", re.ASCII)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?P<name>(?:{_LABEL}\.)*{_LABEL}\.?)|\[(?P<address>[0-9a-f:.]{{2,45}})\]")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DOTTED_QUAD = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label like this makes a resolver take the whole host for a number."""
_PATH = re.compile(
    r"(?:/(?!\.{1,2}(?:/|$))(?:[\w.~!$&'()*+,;=:@-]|%(?:[2-6][0-9a-f]|7[0-9a-e]|[89a-f][0-9a-f]))*)+",
    re.ASCII | re.IGNORECASE,
)
"""Segments of a path, none of them `.` or `..`, and no control character behind a percent sign."""

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_PORTS = {"https": 443, "http": 80, "ssh": 22}

_URL_LIMIT = 2000
_VALUE_LIMIT = 16 * 1024
_FILE_LIMIT = 512 * 1024


@dataclass(frozen=True, kw_only=True)  # without slots: its identity is kept
class Remote:
    """One repository on one Git server, with the credentials to ask it; printing it shows none of them.

    `url` is as `check_url` returned it. `address` replaces the host's name where that was looked up once and
    must not be looked up again.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    key: bytes = field(default=b"", repr=False)
    known_hosts: bytes = field(default=b"", repr=False)
    ca: bytes = field(default=b"", repr=False)
    address: str = ""

    @functools.cached_property
    def identity(self) -> str:
        """Forty hex digits that identify this url together with these credentials."""
        digest = hashlib.sha256()
        texts = (self.url, self.username, self.password, self.token)
        for part in (*(text.encode() for text in texts), self.key, self.known_hosts, self.ca):
            digest.update(b"%d:%s" % (len(part), part))
        return digest.hexdigest()[:40]

    @property
    def scheme(self) -> str:
        """https, http or ssh."""
        return self.url.partition(":")[0]

    @property
    def host(self) -> str:
        """The host's name or address, with its port where the url has one."""
        return self.url.split("/")[2].rpartition("@")[2]

    @property
    def hostname(self) -> str:
        """The host's name or address alone, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_literal(self) -> bool:
        """Whether the host is an address, and not a name to be looked up."""
        return ":" in self.hostname or _DOTTED_QUAD.fullmatch(self.hostname) is not None

    @property
    def port(self) -> int:
        """The port, also where the url leaves it out."""
        return urlsplit(self.url).port or _PORTS[self.scheme]

    @property
    def endpoint(self) -> Endpoint:
        """Host and port, as a Secret may be bound to them."""
        return Endpoint(host=self.hostname, port=self.port, usual_port=_PORTS[self.scheme])

    @property
    def authorization(self) -> str:
        """The value of the HTTP header `Authorization`, empty without credentials."""
        if self.token:
            return f"Bearer {self.token}"
        if self.username and self.password:
            return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        return ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials, which must never be shown."""
        return tuple(part for part in (self.password, self.token) if part)


def remote(
    spec: Spec,
    secret: Mapping[str, bytes] | None,
    *,
    allow_http: bool,
    bound: BoundHosts = UNBOUND_ALLOWED,
) -> Remote:
    """Return the repository of a spec, with the credentials of its Secret.

    `secret` is the data of the Secret that the spec names, None where it does not exist. Further keys,
    which other tools put there, do not matter. `bound` says for which hosts it may be used.

    Raises:
        SpecError: the url is refused (`check_url`).
        SourceError: AuthConfigInvalid; the message names keys, never values.
    """
    return remote_at(spec.url, spec.secret_name, secret, allow_http=allow_http, bound=bound)


def remote_at(
    url: str,
    secret_name: str,
    secret: Mapping[str, bytes] | None,
    *,
    allow_http: bool,
    bound: BoundHosts = UNBOUND_ALLOWED,
) -> Remote:
    """Return a repository with the credentials of a Secret, whose name is empty where there is none; as `remote`."""
    url = check_url(url, allow_http=allow_http, has_secret=bool(secret_name))
    if not secret_name:
        if url.startswith("ssh:"):
            raise SourceError(
                Reason.AUTH_CONFIG_INVALID,
                "ssh needs a Secret with identity and known_hosts: create it, and name it in spec.secretRef",
            )
        return Remote(url=url)
    try:
        return _authenticated(url, secret, bound)
    except _UnfitError as error:
        message = f"Secret {secret_name} {error}"
        raise SourceError(Reason.AUTH_CONFIG_INVALID, message) from None


def check_url(url: str, *, allow_http: bool, has_secret: bool) -> str:
    """Return the url as it is used everywhere: scheme and host in lower case, with a user where it is ssh.

    Raises:
        SpecError: InvalidURL or InsecureConnection.
    """
    if len(url) > _URL_LIMIT:
        raise _refusal(f"has {len(url)} characters, more than {_URL_LIMIT}")
    if not url.isascii() or not url.isprintable():
        raise _refusal("has a character that urls must percent-encode")
    match = _URL.fullmatch(url)
    if match is None:
        hint = ": write ssh://user@host/path" if _SCP_LIKE.fullmatch(url) else ""
        raise _refusal(f"must begin with https:// or ssh://{hint}")
    scheme, path = match["scheme"].lower(), match["path"] or ""
    user, at, authority = match["authority"].rpartition("@")
    _check_scheme(scheme, allow_http=allow_http, has_secret=has_secret)
    _check_authority(authority.lower())
    if at and (scheme != "ssh" or not _USER.fullmatch(user)):
        raise _refusal("must not hold credentials: they belong in the Secret that spec.secretRef names")
    if not path.strip("/") or not _PATH.fullmatch(path):
        raise _refusal("must name a repository by a plain path, without query, fragment or `..`")
    user = f"{user or 'git'}@" if scheme == "ssh" else ""
    return f"{scheme}://{user}{authority.lower()}{path}"


def public_url(url: str) -> str:
    """Return the url for messages; empty if it is refused, because it may hold a credential."""
    try:
        check_url(url, allow_http=True, has_secret=False)
    except SpecError:
        return ""
    return url


def _check_scheme(scheme: str, *, allow_http: bool, has_secret: bool) -> None:
    if scheme not in _PORTS:
        raise _refusal("must begin with https:// or ssh://")
    if scheme != "http":
        return
    if has_secret:
        message = "spec.url is http://, which would show the credentials of spec.secretRef: use https://"
    elif not allow_http:
        message = "spec.url is http://: use https://, or run the operator with --allow-http"
    else:
        return
    raise SpecError(Reason.INSECURE_CONNECTION, message)


def _check_authority(authority: str) -> None:
    host, colon, port = (
        authority.rpartition(":") if re.search(r":[0-9]*$", authority) else (authority, "", "")
    )
    match = _HOST.fullmatch(host)
    if match is None or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
        raise _refusal("must name a host by its DNS name or address, with a port from 1 to 65535 if any")
    if match["address"]:
        _check_address(match["address"])
    name = match["name"] or ""
    if _NUMERIC.fullmatch(name.rstrip(".").rpartition(".")[2]) and not _DOTTED_QUAD.fullmatch(name):
        raise _refusal("must write an IPv4 address as a dotted quad, such as 192.0.2.1")


def _check_address(address: str) -> None:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise _refusal("must have an IPv6 address, and nothing else, between brackets") from None


def _refusal(what: str) -> SpecError:
    return SpecError(Reason.INVALID_URL, f"spec.url {what}")


class _UnfitError(Exception):
    """What is wrong with a Secret, as the end of a sentence that begins with its name."""


def _authenticated(url: str, secret: Mapping[str, bytes] | None, bound: BoundHosts) -> Remote:
    if secret is None:
        raise _UnfitError("does not exist: create it in the namespace of the GitRepository")
    if refusal := bound.refusal(Remote(url=url).endpoint):  # before a message names its keys
        raise _UnfitError(refusal)
    return _by_ssh(url, secret) if url.startswith("ssh:") else _by_https(url, secret)


def _by_https(url: str, secret: Mapping[str, bytes]) -> Remote:
    ca = _certificates(secret.get("ca.crt", b""))
    keys = secret.keys() & {"username", "password", "bearerToken"}
    if keys == {"username", "password"}:
        username = _text(secret, "username")
        if ":" in username:
            raise _UnfitError("has a colon in the key username, which HTTP does not allow")
        return Remote(url=url, username=username, password=_text(secret, "password"), ca=ca)
    if keys == {"bearerToken"}:
        return Remote(url=url, token=_text(secret, "bearerToken"), ca=ca)
    if ca and not keys:
        return Remote(url=url, ca=ca)
    raise _wrong_keys(
        "https needs username+password or bearerToken (ca.crt is optional), or ca.crt alone", secret
    )


def _by_ssh(url: str, secret: Mapping[str, bytes]) -> Remote:
    if not {"identity", "known_hosts"} <= secret.keys():
        raise _wrong_keys(
            "ssh needs identity and known_hosts (and password, if the key has a passphrase)", secret
        )
    key, known_hosts = _content(secret, "identity"), _content(secret, "known_hosts")
    passphrase = _text(secret, "password") if "password" in secret else ""
    if fault := sshkey.fault(key, passphrase=bool(passphrase)):
        raise _UnfitError(f"has a key identity that {fault}")
    return Remote(url=url, key=key, known_hosts=known_hosts, password=passphrase)


def _wrong_keys(wanted: str, secret: Mapping[str, bytes]) -> _UnfitError:
    names = ", ".join(f'"{name}"' for name in sorted(secret)[:10])
    return _UnfitError(f"has only {names}; {wanted}" if secret else f"is empty; {wanted}")


def _content(secret: Mapping[str, bytes], key: str) -> bytes:
    """Return a file that ssh reads, with the line end that it insists on."""
    content = secret[key].replace(b"\r\n", b"\n")
    if not 0 < len(content) <= _FILE_LIMIT or b"\0" in content:
        raise _UnfitError(f"must have between 1 and {_FILE_LIMIT} bytes of text in the key {key}")
    return content if content.endswith(b"\n") else content + b"\n"


def _text(secret: Mapping[str, bytes], key: str) -> str:
    """Return the value of a key; the line end that many editors leave behind it does not count."""
    value = secret[key].removesuffix(b"\n").removesuffix(b"\r")
    if not 0 < len(value) <= _VALUE_LIMIT:
        raise _UnfitError(f"must have between 1 and {_VALUE_LIMIT} bytes in the key {key}")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _UnfitError(f"must have UTF-8 in the key {key}") from None
    if any(character < " " or character == "\x7f" for character in text):
        raise _UnfitError(f"must have no control characters in the key {key}")
    return text


def _certificates(content: bytes) -> bytes:
    if len(content) > _FILE_LIMIT:
        raise _UnfitError(f"must have at most {_FILE_LIMIT} bytes in the key ca.crt")
    if not content:
        return b""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise _UnfitError("must have certificates in PEM in the key ca.crt") from None
    return content
