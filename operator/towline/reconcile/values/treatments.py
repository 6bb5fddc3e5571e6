"""Read the variables and private keys that a spec names, when a pass begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from towline.api import substituting
from towline.api.gitrepository import Spec
from towline.api.substituting import Substitute, ValuesKind
from towline.api.value_sources import ValuesCommit
from towline.errors import Reason, SourceError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.kube import named_values
from towline.kube.client import Client
from towline.kube.named_values import NamedValues
from towline.model import Key, Manifest
from towline.reconcile.values import release_values
from towline.reconcile.values.release_values import ReadGitValues
from towline.render.helm.value_layers import NamedLayer
from towline.render.sops import keyring
from towline.render.sops.keyring import Keyring, KeyringError
from towline.render.sops.sops_binary import SopsBinary
from towline.render.variables import secrecy
from towline.render.variables.substitution import Substitution, Types
from towline.render.variables.treatment import UNTREATED, Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """How the files of one repository are read, and with which values its chart is rendered.

    `files_mark` tells whether anything has changed that concerns each file, `decryption_mark` whether its keys have,
    `layers_mark` whether values have, `cluster_mark` whether the cluster has, as far as its charts ask for it.
    `sources` are the commits of other repositories that values came from.
    """

    key: Key
    treatment: Treatment = field(default=UNTREATED, repr=False)
    files_mark: str = ""
    decryption_mark: str = ""
    layers: tuple[NamedLayer, ...] = field(default=(), repr=False)
    layers_mark: str = ""
    cluster_mark: str = ""
    sources: tuple[ValuesCommit, ...] = ()

    @property
    def mark(self) -> str:
        """Tells whether anything of it has changed; empty where nothing is done."""
        commits = "".join(each.commit for each in self.sources)
        return f"{self.files_mark}{self.layers_mark}{self.cluster_mark}{commits}"

    @property
    def secret_texts(self) -> frozenset[str]:
        """What of it must be shown nowhere."""
        return secrecy.secret_texts(self.treatment.substitution).union(
            *(each.secrets for each in self.layers)
        )


class Treatments:
    """Reads treatments, for all repositories.

    Args:
        client: reads ConfigMaps and Secrets.
        secret: a key of the operator's own, without which nobody can check a guess at a value.
        own_keys: namespace and name of the Secret that holds the operator's own keys.
        hidden: is told what must be shown nowhere.
        git: reads files of other GitRepositories.
        find_sops: finds the sops binary; it is asked for each pass, because it may be installed later.
    """

    def __init__(  # noqa: PLR0913  what it reads from, and whom it tells
        self,
        client: Client,
        *,
        secret: bytes,
        own_keys: tuple[str, str],
        hidden: HiddenValues,
        git: ReadGitValues,
        find_sops: Callable[[], SopsBinary | None],
    ) -> None:
        self._client = client
        self._secret = secret
        self._own_keys = own_keys
        self._hidden = hidden
        self._git = git
        self._find_sops = find_sops

    async def read(self, key: Key, spec: Spec) -> Treated:
        """Return how the files of a repository are read now.

        Raises:
            SourceError: a ConfigMap or Secret is missing, or cannot be used.
            ClusterError: one could not be read.
        """
        keys = await self._keys(key, spec.decryption_secret) if spec.decryption_secret else None
        substitution = await self._substitution(key, spec.substitute) if spec.substitute else None
        treatment = Treatment(keys=keys, substitution=substitution)
        layers, sources = await release_values.layers(key, spec.helm.sources, self._found, self._git)
        treated = Treated(
            key=key,
            treatment=treatment,
            files_mark=treatment.fingerprint(self._secret),
            decryption_mark=Treatment(keys=keys).fingerprint(self._secret),
            layers=layers,
            layers_mark=release_values.mark(layers, self._secret),
            sources=sources,
        )
        self._hidden.learn(key, treated.secret_texts, ())
        return treated

    def learn(self, treated: Treated, manifests: Iterable[Manifest]) -> None:
        """Note what must be shown nowhere of the objects of a revision."""
        self._hidden.learn(treated.key, treated.secret_texts, manifests)

    async def _keys(self, key: Key, name: str) -> Keyring:
        where = "spec.decryption.secretRef"
        found = await self._found(key, ValuesKind.SECRET, name, where)
        if found is None:
            raise _refusal(
                f"{where}: Secret {key.namespace}/{name} does not exist: create it with the private key"
            )
        try:
            keys = keyring.keyring(found.values, f"Secret {key.namespace}/{name}")
        except KeyringError as error:
            raise _refusal(f"{where}: Secret {key.namespace}/{name}: {error}") from None
        return keys.through(await asyncio.to_thread(self._find_sops))

    async def _substitution(self, key: Key, given: Substitute) -> Substitution:
        values: dict[str, str] = {}
        secret: set[str] = set()
        for index, source in enumerate(given.sources):
            where = f"spec.substitute.from[{index}]"
            shown = f"{source.kind} {key.namespace}/{source.name}"
            found = await self._found(key, source.kind, source.name, where)
            if found is None:
                if source.optional:
                    continue
                raise _refusal(f"{where}: {shown} does not exist: create it, or set optional: true")
            read = _texts(found.values, f"{where}: {shown}")
            values |= read
            secret = secret | read.keys() if source.kind is ValuesKind.SECRET else secret - read.keys()
        values |= dict(given.variables)
        secret -= dict(given.variables).keys()
        return Substitution(
            values=values, strict=given.strict, types=Types(given.types), secret_names=frozenset(secret)
        )

    async def _found(self, key: Key, kind: ValuesKind, name: str, where: str) -> NamedValues | None:
        if kind is ValuesKind.SECRET and (key.namespace, name) == self._own_keys:
            raise _refusal(f"{where}: {name} is the Secret of the operator's own keys: name another one")
        found = await named_values.read(self._client, kind, key.namespace, name)
        if kind is ValuesKind.SECRET and found and found.is_bound:
            message = (
                f"{where}: Secret {key.namespace}/{name} is bound to hosts, for Git alone: name another one"
            )
            raise _refusal(message)
        return found


def _texts(values: Mapping[str, bytes], where: str) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        if not substituting.is_name(name):
            message = (
                "is not the name of a variable: use letters, digits and _, and do not begin with a digit"
            )
            raise _refusal(f"{where}: the key {name} {message}")
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            raise _refusal(f"{where}: the value of the key {name} is not text: remove it") from None
    return found


def _refusal(message: str) -> SourceError:
    return SourceError(Reason.AUTH_CONFIG_INVALID, message)
