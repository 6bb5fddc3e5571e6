"""Mask an object: every secret value is replaced by `***` and a short keyed digest.

Of a Secret, alone or inside another object, every scalar is secret except apiVersion, kind, name, namespace
and the names of keys. Of any other object the value of a name that says so (`SAYING`, or a key with its purpose,
such as `apiKey`) is secret, with everything below it, where that name is

- a key: in a ConfigMap's `data`, an annotation, a field of a custom resource;
- the `name` or `key` beside a `value`, `values` or `default`: environment variables, HTTP headers, parameters;
- a flag or an assignment among a container's `args` or `command`: `--password=…`, or the word behind `--password`.

Kubernetes has such names that hold no secret: fields that refer to one, and selectors. These are left alone
by their exact name, by their ending, or by the shape of the mapping that they are in; not in maps whose keys
an author chose (`FREE`). In doubt a value is masked: a reader still sees whether it changed. The bare word "key" says
nothing: most keys only name something.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from towline.fields import mask_text
from towline.fields.hidden.hidden_values import HiddenValues
from towline.model import Body, Key, ObjectRef

SAYING = ("password", "passwd", "passphrase", "token", "secret", "credential")
"""Parts of a name, in any case, that say that its value is secret."""

_PURPOSES = (
    *("access", "account", "admin", "aes", "api", "application", "auth", "authentication", "authorization"),
    *("cipher", "client", "consumer", "cookie", "crypt", "crypto", "decrypt", "decryption", "deploy"),
    *("dsa", "ecdsa", "ed25519", "encrypt", "encryption", "gpg", "hmac", "host", "integration", "jwt"),
    *(
        "license",
        "machine",
        "master",
        "pgp",
        "priv",
        "private",
        "recovery",
        "registry",
        "restuser",
        "root",
        "rsa",
    ),
    *("server", "service", "session", "shared", "sign", "signature", "signing", "ssh", "ssl", "storage"),
    *("subscription", "tls", "unseal", "vault", "webhook", "wrapping"),
)
_SECRET_KEY = re.compile(rf"(?:{'|'.join(_PURPOSES)}|\b(?:app|ca|des))-?key|[^./]\.key$")
"""A key with its purpose, in a name spelled by `_spelled`; `server.key` and the like are files of private keys."""
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s_-]+")
_PRIVATE_KEY = "PRIVATE KEY-----"
"""Part of the first line of every private key in PEM."""

FREE = frozenset(
    {"annotations", "attributes", "binaryData", "data", "options", "parameters", "volumeAttributes"}
)
"""Maps with keys that their author chose: no exception holds for them."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})
_HARMLESS = frozenset(
    {"automountServiceAccountToken", "matchLabelKeys", "mismatchLabelKeys", "topologyKey", "topologyKeys"}
)
_HARMLESS_ENDINGS = ("Name", "Names", "Namespace", "Ref", "Path", "File", "Seconds", "Type", "Size", "Policy")
_SOURCES = frozenset({"secret", "serviceAccountToken", "tokenRequests"})
_SOURCE = frozenset(
    {"name", "namespace", "secretName", "key", "items", "optional", "defaultMode"}
    | {"audience", "expirationSeconds", "path"}
)
"""What such a field may say, to hold no secret itself."""
_CARRYING = frozenset({"items", "value", "values"})
_REFERENCE = _CARRYING | {
    *("apiVersion", "group", "kind", "name", "namespace", "key", "path", "optional", "mode", "defaultMode"),
    *("secretName", "volumeName", "operator", "effect", "tolerationSeconds"),
}

_MORE_VALUES = frozenset({"values", "default"})
_COMMANDS = frozenset({"args", "command"})
_SWITCHES = frozenset({"", "true", "false"})

_POINTERS = frozenset({"items", "secret", "configMap"})
_POINTER_ENDINGS = ("Ref", "Refs", "Selector")
_SELECTING = frozenset({"operator", "effect", "tolerationSeconds"})

Place: TypeAlias = tuple[str, ...]
"""The keys that lead to a value; an item of a list counts as an empty one."""

_Hide: TypeAlias = Callable[[Any, Place], Any]


class Mask:
    """Replaces secret values: equal ones look equal, and no guess can be checked without the `key`.

    `known` are the values of repositories that are secret wherever they land.
    """

    def __init__(self, key: bytes, known: HiddenValues | None = None) -> None:
        self._key = key
        self._known = known or HiddenValues()

    def masked(self, body: Body) -> dict[str, Any]:
        """Return a copy of an object that may be shown."""
        ref, repositories = self._known.of(body)
        for each in repositories:
            body = each.applied(body, ref, self._stand_in)
        return dict(_hidden(body, self._stand_in))

    def text(self, message: str, body: Body) -> str:
        """Return a message about an object without the object's secrets, however the server quotes them.

        It takes the whole message: cut short before, the rest of a secret would not be recognised.
        """
        (shown,) = self.texts((message,), body)
        return shown

    def texts(self, messages: Sequence[str], body: Body) -> tuple[str, ...]:
        """Return messages about an object as `text` does, at the price of one."""
        secrets = set(_secrets(body))

        def note(value: Any, _: Place) -> Any:
            if not isinstance(value, bool):
                secrets.add(str(value))
            return value

        ref, repositories = self._known.of(body)
        for each in repositories:
            each.applied(body, ref, note)
            secrets |= each.texts
        return mask_text.without(messages, secrets - {""}, _names(body))

    def told(self, key: Key, message: str) -> str:
        """Return a message about a repository without what must not be shown of it."""
        return self._known.told(key, message)

    def digest(self, digest: str, ref: ObjectRef) -> str:
        """Return the digest of a content, keyed where that holds something secret: guesses could be checked by it."""
        is_secret = ref.kind == "Secret" or self._known.holds(ref)
        return self.keyed_digest(digest) if digest and is_secret else digest

    def keyed_digest(self, digest: str) -> str:
        """Return the digest of a content as it is written where that holds something secret."""
        return f"***{self._keyed(digest.encode())}"

    def _stand_in(self, value: Any, place: Place) -> str:
        return f"***{self._keyed(_content(value, place))}"

    def _keyed(self, content: bytes) -> str:
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()[:8]


def _secrets(body: Body) -> frozenset[str]:
    """Return the secret scalars of an object, and the text that a Secret's data decode to."""
    found: set[str] = set()

    def note(value: Any, place: Place) -> Any:
        if not isinstance(value, bool):
            found.update({str(value), _content(value, place).decode("utf-8", "replace")})
        return value

    _hidden(body, note)
    return frozenset(found - {""})


def _names(body: Body) -> frozenset[str]:
    """Return what a message may always name, even where a secret looks the same."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    places = (body.get("apiVersion"), body.get("kind"), metadata.get("name"), metadata.get("namespace"))
    return frozenset(place for place in places if isinstance(place, str) and place)


def _content(value: Any, place: Place) -> bytes:
    """Return what a scalar stands for: equal `data` and `stringData` must look equal."""
    if place[:1] in {("data",), ("binaryData",)} and isinstance(value, str):
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    return str(value).encode("utf-8", "replace")


def _hidden(body: Body, hide: _Hide) -> Body:
    """Return the object with `hide` applied to each secret scalar, and without last-applied-configuration."""
    body = _without_last_applied(body)
    if body.get("kind") == "CustomResourceDefinition":  # it names fields, and holds no value of theirs
        shown = _mapping({"metadata": body.get("metadata")}, (), hide, secret=False)
        return {**body, **shown} if "metadata" in body else body
    return _mapping(body, (), hide, secret=False)


def _without_last_applied(body: Body) -> Body:
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(annotations, Mapping):
        return body
    kept = {name: value for name, value in annotations.items() if name != _LAST_APPLIED}
    return {**body, "metadata": {**metadata, "annotations": kept}}


def _whole(value: Any, place: Place, hide: _Hide) -> Any:
    if isinstance(value, Mapping):
        return {name: _whole(child, (*place, name), hide) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(child, (*place, ""), hide) for child in value]
    return value if value is None or place in _IDENTITY else hide(value, place)


def _said(value: Any, place: Place, hide: _Hide, *, secret: bool) -> Any:
    if isinstance(value, Mapping):
        return _mapping(value, place, hide, secret=secret)
    if isinstance(value, list | tuple):
        if place and place[-1] in _COMMANDS and not secret:
            return list(_words(value, place, hide))
        return [_said(child, (*place, ""), hide, secret=secret) for child in value]
    scalar = value is not None and not isinstance(value, bool)
    told = isinstance(value, str) and _PRIVATE_KEY in value
    return hide(value, place) if told or (secret and scalar) else value


def _words(words: Sequence[Any], place: Place, hide: _Hide) -> Iterator[Any]:
    """Yield the words of a command line, without what its flags and assignments say of a secret."""
    awaited = False
    for word in words:
        flag, given, said = word.partition("=") if isinstance(word, str) else ("", "", "")
        names = _says(flag) and not any(map(str.isspace, flag)) and not _harmless_flag(flag)
        if names and given and said not in _SWITCHES:
            yield f"{flag}={hide(said, (*place, ''))}"
        else:
            yield _said(word, (*place, ""), hide, secret=awaited and not flag.startswith("-"))
        awaited = names and not given and flag.startswith("-")


def _harmless_flag(flag: str) -> bool:
    return _harmless(flag.rpartition("-")[2].capitalize(), None) or _harmless(flag, None)


def _mapping(mapping: Body, place: Place, hide: _Hide, *, secret: bool) -> Body:
    free = bool(place) and place[-1] in FREE
    refers = not free and mapping.keys() <= _REFERENCE and mapping.keys() != {"key"}
    if mapping.get("kind") == "Secret" and mapping.get("apiVersion") == "v1" and not refers:
        return {name: _whole(child, (name,), hide) for name, child in mapping.items()}
    named = any(_says(mapping.get(word)) for word in ("name", "key"))
    keyed = secret or _says(f"{_holder(place)}-key")
    shown = {}
    for name, child in mapping.items():
        if refers and name not in _CARRYING:
            hidden = (name == "key" and keyed and not _points(mapping, place)) or (name == "path" and secret)
        elif named and (name == "value" or (name in _MORE_VALUES and _SELECTING.isdisjoint(mapping))):
            hidden = True
        else:
            says = _says(name) or (name == "key" and keyed)
            hidden = secret or (says and (free or not _harmless(name, child)))
        shown[name] = _said(child, (*place, name), hide, secret=hidden)
    return shown


def _points(mapping: Body, place: Place) -> bool:
    """Whether the `key` in what looks like a reference names one: a key may also be given by name."""
    holder = _holder(place)
    named = holder in _POINTERS or holder.endswith(_POINTER_ENDINGS)
    return named or not _SELECTING.isdisjoint(mapping)


def _holder(place: Place) -> str:
    """Return the name of what a value is a part of."""
    return next((name for name in reversed(place) if name), "")


def _says(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    lower = name.lower()
    return (
        name == "stringData"
        or any(word in lower for word in SAYING)
        or ("key" in lower and _SECRET_KEY.search(_spelled(name)) is not None)
    )


def _spelled(name: str) -> str:
    """Spell a name in small letters with a dash between its words, but leave dots and slashes."""
    return _WORD_ENDS.sub("-", name).lower()


def _harmless(name: str, value: Any) -> bool:
    if name in _HARMLESS or name.endswith(_HARMLESS_ENDINGS):
        return True
    if name not in _SOURCES:
        return False
    parts = value if isinstance(value, list | tuple) else (value,)
    return all(isinstance(part, Mapping) and part.keys() <= _SOURCE for part in parts)
