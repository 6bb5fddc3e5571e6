"""Say how `towline render` reads a folder: by a GitRepository in a file, and by what the command line adds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from towline.api import gitrepository, substituting
from towline.api.gitrepository import GitRepository, Spec
from towline.api.substituting import Substitute
from towline.cli.exit_codes import NoAnswerError
from towline.errors import SpecError
from towline.read import crd_schema
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.offline.offline_units import Asked
from towline.render.sops import keyring
from towline.render.sops.keyring import Keyring, KeyringError
from towline.render.variables.substitution import Substitution, Types
from towline.render.variables.treatment import Treatment

_GROUP = "towline.dev/"
_STORED = {"namespace": "default", "name": "rendered", "uid": "none"}
"""What a stored resource has, and one in a file need not have."""


def asked(
    file: Path | None, variables: Iterable[str], keys: Keyring | None, *, skip_non_manifests: bool
) -> Asked:
    """Return how a folder is read.

    Args:
        file: a GitRepository, if there is one.
        variables: `NAME=VALUE`, which win over those of the file.
        keys: what decrypts files.
        skip_non_manifests: whether files without an object are passed over.

    Raises:
        NoAnswerError: one of them is malformed; the message says which, and where.
    """
    spec = _spec(file) if file else None
    if spec and spec.helm.chart:
        message = "spec.helm.chart is on another server, and nothing is asked here: pull the chart, and name its folder"
        raise NoAnswerError(f"{file}: {message}")
    treatment = Treatment(
        keys=keys,
        substitution=_substitution(spec.substitute if spec else None, dict(map(_variable, variables))),
    )
    if spec is None:
        return Asked(skip_non_manifests=skip_non_manifests, treatment=treatment)
    return Asked(
        render=spec.render,
        exclude=spec.exclude,
        skip_non_manifests=skip_non_manifests or spec.skip_non_manifests,
        overlay=spec.kustomize,
        helm=spec.helm,
        treatment=treatment,
    )


def treatment(file: Path) -> Treatment:
    """Return the variables of a GitRepository in a file, without those of the cluster.

    Raises:
        click.ClickException: it is malformed.
    """
    return Treatment(keys=None, substitution=_substitution(_spec(file).substitute, {}))


def stored(file: Path) -> GitRepository:
    """Return the GitRepository in a file, as it would be stored.

    Raises:
        NoAnswerError: the file cannot be parsed, or does not have exactly one.
    """
    try:
        found = [each.value for each in documents.parse(file.read_bytes(), YamlLimits())]
    except DocumentErrors as error:
        raise NoAnswerError(f"{file}: {error}") from error
    resources = [each for each in found if _is_resource(each)]
    if len(resources) != 1:
        raise NoAnswerError(
            f"{file} has {len(resources)} GitRepositories of {_GROUP[:-1]}: name a file with one"
        )
    metadata = resources[0].get("metadata")
    named = {**_STORED, **(metadata if isinstance(metadata, dict) else {})}
    return gitrepository.identify({**resources[0], "metadata": named})


def _spec(file: Path) -> Spec:
    try:
        return gitrepository.specify(stored(file), crd_schema.load())
    except SpecError as error:
        raise NoAnswerError(f"{file}: {error.message}") from error


def _is_resource(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("kind") != gitrepository.RESOURCE.kind:
        return False
    return str(value.get("apiVersion")).startswith(_GROUP)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not substituting.is_name(name):
        message = f"{text!r} must be NAME=VALUE, with a name of letters, digits and _ that does not begin with a digit"
        raise click.BadParameter(message, param_hint="--var")
    return name, value


def _substitution(given: Substitute | None, more: dict[str, str]) -> Substitution | None:
    """Return the variables that are filled in; the ConfigMaps and Secrets of the spec are not here."""
    if given is None:
        return Substitution(values=more) if more else None
    values = dict(given.variables) | more
    return Substitution(values=values, strict=given.strict, types=Types(given.types))


def keys(age_key: Path | None, others: Sequence[Path]) -> Keyring | None:
    """Return what decrypts files; None where nothing is decrypted.

    Args:
        age_key: a file with private keys of age.
        others: files, each named as its key in a Secret would be.

    Raises:
        NoAnswerError: one of them cannot be used.
    """
    secret = {file.name: file.read_bytes() for file in others}
    if age_key:
        secret[f"{age_key.name}{keyring.ENDING}"] = age_key.read_bytes()
    if not secret:
        return None
    holder = ", ".join(map(str, (*filter(None, (age_key,)), *others)))
    try:
        return keyring.keyring(secret, holder)
    except KeyringError as error:
        raise NoAnswerError(f"{holder}: {error}") from error
