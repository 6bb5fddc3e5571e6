"""Tell whether two GitRepositories may follow the same commit, however their specs are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from towline.api import versions
from towline.api.gitrepository import Ref, RefKind
from towline.model import Body

_FOLDERS: Mapping[str, str] = MappingProxyType(
    {RefKind.BRANCH: "refs/heads/", RefKind.TAG: "refs/tags/", RefKind.NAME: ""}
)
"""What stands before the value of a field of spec.ref in the full name of the ref."""

_PORTS: Mapping[str, str] = MappingProxyType({"https": ":443", "http": ":80", "ssh": ":22"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """What a repository follows, in one normal form.

    `ref` is of the kind HEAD, SEMVER, COMMIT, or else NAME. `name` is the full name of the ref that it was last seen to
    lead to, empty if that is not known yet.
    """

    url: str
    ref: Ref
    name: str = ""

    @property
    def place(self) -> str:
        """The ref, or the commit, that is followed; empty where that is not known.

        Some servers do not say which branch their HEAD is: then its name is HEAD, and it may be any of them.
        """
        if self.ref.kind in {RefKind.HEAD, RefKind.SEMVER}:
            return "" if self.name == "HEAD" else self.name
        return self.ref.value

    def may_reach(self, other: Follows) -> bool:
        """Tell whether this leads, or may lead at the next look, to where the other one is.

        If not, this repository never reads the other's commit, and the other should not wait for that.
        """
        if self.url != other.url:
            return False
        if self.ref == other.ref or not other.place:
            return True
        if self.ref.kind is RefKind.SEMVER:
            return self._may_rise_to(other.place)
        return self.place in {"", other.place}

    def _may_rise_to(self, name: str) -> bool:
        """Tell whether a range admits a tag, and was not seen to lead to a higher one."""
        try:
            wanted = versions.parse_range(self.ref.value)
        except ValueError:
            return False
        version, last = versions.tagged(name), versions.tagged(self.name)
        if version is None or version not in wanted:
            return False
        return last is None or last.precedence_key <= version.precedence_key


def follows(spec: Body, name: str) -> Follows:
    """Return what a raw spec follows, and the full name of the ref that it was last seen to lead to."""
    return Follows(url=_url(str(spec.get("url"))), ref=_ref(spec.get("ref")), name=name)


def _url(text: str) -> str:
    """Return a url as its server would be asked, in one spelling: a path may mean something else in another one."""
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if scheme == "ssh" and not user:
        user, at = "git", "@"
    host = host.lower().removesuffix(_PORTS.get(scheme, ""))
    return f"{scheme}://{user}{at}{host}{slash}{path}"


def _ref(given: object) -> Ref:
    """Return what a spec follows; a branch and a tag by their full name, which says the same."""
    for kind, value in given.items() if isinstance(given, Mapping) else ():
        if kind in _FOLDERS:
            return Ref(kind=RefKind.NAME, value=f"{_FOLDERS[kind]}{value}")
        if kind == RefKind.COMMIT:
            return Ref(kind=RefKind.COMMIT, value=str(value).lower())
        if kind == RefKind.SEMVER:
            return Ref(kind=RefKind.SEMVER, value=str(value))
    return Ref(kind=RefKind.HEAD)
