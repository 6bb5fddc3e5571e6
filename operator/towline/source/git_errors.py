"""What git writes to standard error, as a reason and a sentence that says what to do."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from towline.errors import Reason, SourceError, SpecError, TowlineError
from towline.source.access import Remote

_MESSAGE_BYTES = 1024

_PIECE = 8
"""Characters; shorter pieces of a secret help no attacker, and replacing them would garble messages."""


class NotFoundError(SourceError):
    """The server has no such repository, or does not show it: any web server may say so."""


class _GitRule(NamedTuple):
    """Git's words, compared without case; what they mean; what to do. `{host}` becomes the server's name."""

    pattern: str
    reason: Reason
    hint: str
    kind: type[SourceError] = SourceError


DISK_FULL = (
    "the operator's data folder is full, and its mirror cannot be brought up to date: enlarge the volume of the"
    " operator's pod (data.* of the chart); tried again until there is room"
)
_REJECTED = (
    "the Git server rejected the credentials in the Secret of spec.secretRef: update it; retried at once"
)
_ANONYMOUS = "the Git server wants credentials: create a Secret with them, and name it in spec.secretRef"

_RULES = (
    _GitRule(
        "host identification has changed",
        Reason.HOST_KEY_MISMATCH,
        "the server shows another host key than known_hosts in the Secret of spec.secretRef: the connection may be"
        " intercepted; ask the server's administrator before you replace the key",
    ),
    _GitRule(
        "bad server host key",
        Reason.HOST_KEY_MISMATCH,
        "the server's host key is too weak to be trusted: its administrator has to replace it",
    ),
    _GitRule(
        "host key verification failed|no .* host key is known",
        Reason.HOST_KEY_MISMATCH,
        "the server's host key is not in known_hosts of the Secret of spec.secretRef: verify it, then add it",
    ),
    _GitRule(
        r"load key .*: |read_passphrase|invalid key length",
        Reason.AUTH_CONFIG_INVALID,
        "ssh cannot use the key: fix identity, or its passphrase in password, in the Secret of spec.secretRef",
    ),
    _GitRule("remote error:.*not our ref", Reason.REF_NOT_FOUND, "the server does not have the commit"),
    _GitRule("unadvertised object", Reason.REF_NOT_FOUND, "the server does not give out the commit"),
    _GitRule("dumb http transport", Reason.GIT_UNAVAILABLE, "the server does not speak Git's smart protocol"),
    _GitRule("remote error:", Reason.GIT_UNAVAILABLE, "the server reports an error"),
    _GitRule("no space left on device|disk quota exceeded", Reason.DISK_FULL, DISK_FULL),
    _GitRule(
        "read-only file system|input/output error",
        Reason.GIT_UNAVAILABLE,
        "the operator cannot use its data folder: check the volume of the operator's pod",
    ),
    _GitRule(
        "out of memory|cannot allocate memory|mmap failed",
        Reason.SOURCE_TOO_LARGE,
        "an object in it needs more memory than git may use: remove it from the history",
    ),
    _GitRule("mismatched algorithms", Reason.REF_NOT_FOUND, "the server's object ids have another length"),
    _GitRule("couldn't find remote ref", Reason.REF_NOT_FOUND, "the ref is gone"),
    _GitRule(
        "authentication failed|could not read (?:username|password)|returned error: 40[137]|permission denied \\(",
        Reason.AUTHENTICATION_FAILED,
        _REJECTED,
    ),
    _GitRule(
        "repository '.*' not found$|repository not found|does not appear to be a git repository",
        Reason.AUTHENTICATION_FAILED,
        "not found or no access: check spec.url, or add secretRef",
        NotFoundError,
    ),
    _GitRule(
        "certificate has expired|certificate is not yet valid",
        Reason.TLS_VERIFY_FAILED,
        "the certificate of {host} has expired or is not valid yet: renew it",
    ),
    _GitRule(
        "no alternative certificate subject name|certificate subject name|hostname mismatch",
        Reason.TLS_VERIFY_FAILED,
        "the certificate of {host} is for another host: check spec.url",
    ),
    _GitRule(
        "certificate|ssl: ",
        Reason.TLS_VERIFY_FAILED,
        "the certificate of {host} is not signed by a known CA: put the CA into ca.crt of a Secret",
    ),
    _GitRule(
        r"returned error: 30\d|redirect",
        Reason.GIT_UNAVAILABLE,
        "the server redirects, which Towline does not follow: set spec.url to the final url (often it ends in .git)",
    ),
    _GitRule(
        "returned error: 429",
        Reason.GIT_UNAVAILABLE,
        "the server limits the rate of requests: raise spec.interval",
    ),
    _GitRule("could not resolve host", Reason.GIT_UNAVAILABLE, "cannot reach {host}: no such host"),
    _GitRule("connection refused", Reason.GIT_UNAVAILABLE, "cannot reach {host}: connection refused"),
    _GitRule(
        "no route to host|network is unreachable", Reason.GIT_UNAVAILABLE, "cannot reach {host}: no route"
    ),
    _GitRule(
        "couldn't connect to server",
        Reason.GIT_UNAVAILABLE,
        "cannot reach {host}: nothing there accepts a connection",
    ),
    _GitRule(
        "not that of a git server|not valid: is this a git repository",
        Reason.GIT_UNAVAILABLE,
        "{host} answers, but not as a Git server: check spec.url",
    ),
    _GitRule("operation too slow|timed out", Reason.GIT_TIMEOUT, "the server is silent or too slow"),
    _GitRule(
        "^object [0-9a-f]+: |fsck error|in packed object",
        Reason.GIT_OBJECT_INVALID,
        "git refuses an object of the history as invalid: rewrite the commits that added it",
    ),
)
_REACHING = frozenset(
    {Reason.GIT_UNAVAILABLE, Reason.GIT_TIMEOUT, Reason.TLS_VERIFY_FAILED, Reason.HOST_KEY_MISMATCH}
)
"""What tells whether, and in which way, something answers at an address."""

_VEIL = (
    "no Git repository could be read there: the host may not exist, have an address that is refused, not answer in"
    " time, show another certificate or host key than expected, or not be a Git server that has this repository; check"
    " spec.url and the Secret of spec.secretRef, then ask the administrator of the operator, whose log says which"
)
_OTHERWISE = _GitRule("", Reason.GIT_UNAVAILABLE, "the Git server cannot be used at the moment")

_NOISE = (
    "remote: ",
    "warning: ",
    "hint: ",
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
"""What the server says through git, and what git says whatever the matter is."""
_CA_FILES = re.compile(r"\.? CAfile: \S+ CRLfile: \S+")
_LEVEL = re.compile(r"^(?:fatal|error): ")
_ESCAPE = re.compile("%[0-9A-F]{2}")
_WITHHELD = re.compile("not our ref|unadvertised object")


def error(remote: Remote, text: str) -> SourceError:
    """Return what git's standard error means, with the url and without credentials, in at most 1 KiB."""
    rule, line = _judge(_own_words(text.replace(remote.url, "…")))
    said = f" (git: {_struck(_CA_FILES.sub('', line), remote)})" if line else ""
    return rule.kind(rule.reason, _clipped(redacted(f"{remote.url}: {_hint(rule, remote)}{said}", remote)))


def refused(remote: Remote, status: int) -> SourceError:
    """Return what an HTTP status of a server means, as if git had met it."""
    rule, said = _judge((f"the requested URL returned error: {status}",))
    return SourceError(rule.reason, f"{remote.url}: {_hint(rule, remote)} ({said})")


def veiled(remote: Remote, error: TowlineError) -> TowlineError:
    """Return an error as one who may not learn what answers at an address may read it.

    A refused connection, silence, a certificate or host key of another host, and an answer that is not Git's read the
    same, and so does a name that leads to an address which is refused: else the names of a network could be found out.
    Credentials that a server rejected are told: it has proved to be the host of the url before it was sent them.
    """
    if isinstance(error, SpecError):
        return error if remote.is_literal else SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {_VEIL}")
    is_proven = remote.scheme != "http" and not isinstance(error, NotFoundError)
    if error.reason in _REACHING or (error.reason is Reason.AUTHENTICATION_FAILED and not is_proven):
        return SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {_VEIL}")
    return error


def _hint(rule: _GitRule, remote: Remote) -> str:
    if rule.hint == _REJECTED and not (remote.secrets or remote.key):
        return _ANONYMOUS
    return rule.hint.replace("{host}", remote.host)


def withheld(text: str) -> bool:
    """Say whether the server has no such commit, or gives out commits only by the name of a ref."""
    return any(_WITHHELD.search(line) for line in _own_words(text))


def redacted(text: str, remote: Remote) -> str:
    """Return `text` with every credential of `remote` replaced: as it is, escaped, url-encoded, and in base64."""
    for form in sorted(_forms(remote), key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def _own_words(text: str) -> tuple[str, ...]:
    """Return what git itself says: without the server's own text, and without control characters."""
    lines = (_printable(line) for line in re.split(r"[\r\n]+", text))
    return tuple(_LEVEL.sub("", line) for line in lines if line.strip() and not line.startswith(_NOISE))


def _judge(lines: tuple[str, ...]) -> tuple[_GitRule, str]:
    for rule in _RULES:
        for line in lines:
            if re.search(rule.pattern, line, re.IGNORECASE):
                return rule, line
    return _OTHERWISE, lines[-1] if lines else ""


def _forms(remote: Remote) -> set[str]:
    texts = {*remote.secrets}
    if remote.password:
        texts.add(f"{remote.username}:{remote.password}")
    encoded = {base64.b64encode(text.encode()).decode() for text in texts}
    quoted = {form for text in texts for form in (quote(text, safe=""), quote(text))}
    lower = {_ESCAPE.sub(lambda escape: escape[0].lower(), form) for form in quoted}
    escaped = {json.dumps(text)[1:-1] for text in texts}
    return texts | encoded | {text.rstrip("=") for text in encoded} | quoted | lower | escaped


def _struck(line: str, remote: Remote) -> str:
    """Return git's line without what is left of a credential that a server quotes in a way of its own."""
    line = redacted(line, remote)
    pieces = {piece for secret in remote.secrets for piece in _pieces(secret)}
    for piece in sorted(pieces, key=len, reverse=True):
        line = line.replace(piece, "***")
    return line


def _pieces(secret: str) -> Iterator[str]:
    """Yield the pieces of a secret that quoting leaves unchanged, and its base64 at each offset in a text."""
    yield from re.findall(rf"[A-Za-z0-9]{{{_PIECE},}}", secret)
    raw = secret.encode()
    for shift in range(3 if len(raw) >= _PIECE else 0):
        whole = slice(-(-8 * shift // 6), 8 * (shift + len(raw)) // 6)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * shift + raw).decode()[whole]


def _printable(line: str) -> str:
    return "".join(character for character in line if character.isprintable())


def _clipped(text: str) -> str:
    content = text.encode()
    if len(content) <= _MESSAGE_BYTES:
        return text
    return content[: _MESSAGE_BYTES - 3].decode("utf-8", "ignore") + "…"
