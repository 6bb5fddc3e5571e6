"""Find the parameters that the generators of an ApplicationSet make, as far as files tell them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from towline.importing import homes
from towline.importing.argo import set_templates
from towline.importing.argo.argo_rules import REFUSED_GENERATORS
from towline.importing.argo.set_templates import Params, TemplateError
from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import Homes, RepositoryTree
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits


def params(draft: Draft, known: Homes) -> Iterator[Params]:
    """Yield the parameters of each Application that the set makes.

    Raises:
        NotImportableError: a generator asks for what files do not tell.
    """
    for number, each in enumerate(draft.of.spec.get("generators") or ()):
        path = ("spec", "generators", number)
        for name, reason in REFUSED_GENERATORS.items():
            if each.get(name) is not None:
                raise draft.refused(reason, *path, name)
        for name in ("list", "git"):
            if (each.get(name) or {}).get("template"):
                raise draft.refused(
                    "a template of its own is not read: write it into spec.template", *path, name
                )
        made = _of_list(draft, each["list"], path) if each.get("list") else _of_git(draft, each, known, path)
        yield from (one for one in made if _is_selected(draft, one, each.get("selector") or {}, path))


def _of_list(draft: Draft, given: Mapping[str, Any], path: Path) -> Iterator[Params]:
    elements = list(given.get("elements") or ())
    if text := given.get("elementsYaml"):
        parsed = _parsed(draft, str(text).encode(), (*path, "list", "elementsYaml"))
        elements += parsed if isinstance(parsed, list) else [parsed]
    for each in elements:
        yield each if _is_go(draft) else set_templates.flattened(each)


def _of_git(draft: Draft, generator: Mapping[str, Any], known: Homes, path: Path) -> Iterator[Params]:
    given = generator.get("git")
    if not given:
        raise draft.refused("this version of Towline does not know the generator", *path)
    url = str(given.get("repoURL") or "")
    tree = known.tree(url)
    if tree is None:
        raise draft.refused(
            f"which folders {url} has is known with a clone alone: name one with --clone", *path, "git"
        )
    draft.different(
        "a folder or file that is new in Git makes no new GitRepository: import again", *path, "git"
    )
    found = _folders(given, tree) if given.get("directories") else _files(draft, given, tree, (*path, "git"))
    for one in found:
        yield _with_values(draft, one, given, (*path, "git", "values"))


def _folders(given: Mapping[str, Any], tree: RepositoryTree) -> Iterator[Params]:
    for folder in homes.folders(tree):
        if _is_chosen(folder, given["directories"], deep=False):
            yield {"path": _place(folder)}


def _files(draft: Draft, given: Mapping[str, Any], tree: RepositoryTree, path: Path) -> Iterator[Params]:
    for file in tree.files:
        if not _is_chosen(file, given.get("files") or (), deep=True):
            continue
        content = _parsed(draft, tree.read(file) or b"", (*path, "files"), file)
        for each in content if isinstance(content, list) else [content or {}]:
            name = posixpath.basename(file)
            place = {**_place(posixpath.dirname(file) or "."), "filename": name}
            yield {**each, "path": {**place, "filenameNormalized": set_templates.normalized(name)}}


def _is_chosen(path: str, rules: Any, *, deep: bool) -> bool:
    """Whether a path matches a rule and none that excludes; `**` has its meaning for files alone."""
    hits = []
    for rule in rules:
        pattern = str(rule.get("path") or "")
        if homes.matches(path, pattern if deep else pattern.replace("**", "*")):
            hits.append(bool(rule.get("exclude")))
    return bool(hits) and not any(hits)


def _place(folder: str) -> dict[str, Any]:
    base = posixpath.basename(folder)
    return {
        "path": folder,
        "basename": base,
        "basenameNormalized": set_templates.normalized(base),
        "segments": folder.split("/"),
    }


def _with_values(draft: Draft, one: Params, given: Mapping[str, Any], path: Path) -> Params:
    """Return the parameters with their prefix and further values, in the form that the template's language asks for."""
    prefix, go = given.get("pathParamPrefix"), _is_go(draft)
    own = {name: value for name, value in one.items() if name != "path"}
    place = {prefix: {"path": one["path"]}} if prefix else {"path": one["path"]}
    found: dict[str, Any] = (
        {**own, **place} if go else _flat(own, one["path"], f"{prefix}." if prefix else "")
    )
    try:
        values = {
            name: set_templates.filled(str(value), found, go=go)
            for name, value in (given.get("values") or {}).items()
        }
    except TemplateError as error:
        raise draft.refused(str(error), *path) from error
    if go:
        return {**found, "values": values} if values else found
    return {**found, **{f"values.{name}": value for name, value in values.items()}}


def _flat(own: Mapping[str, Any], place: Mapping[str, Any], prefix: str) -> dict[str, str]:
    names = {name: value for name, value in place.items() if name not in ("path", "segments")}
    return {
        **set_templates.flattened(own),
        f"{prefix}path": place["path"],
        **{f"{prefix}path.{name}": value for name, value in names.items()},
        **{f"{prefix}path[{number}]": part for number, part in enumerate(place["segments"])},
    }


def _is_selected(draft: Draft, one: Params, selector: Mapping[str, Any], path: Path) -> bool:
    labels = set_templates.flattened(one)
    for name, value in (selector.get("matchLabels") or {}).items():
        if labels.get(name) != value:
            return False
    for number, each in enumerate(selector.get("matchExpressions") or ()):
        has, values = labels.get(str(each.get("key"))), each.get("values") or ()
        answers = {
            "In": has in values,
            "NotIn": has not in values,
            "Exists": has is not None,
            "DoesNotExist": has is None,
        }
        operator = str(each.get("operator"))
        if operator not in answers:
            message = f"{operator} must be In, NotIn, Exists or DoesNotExist"
            raise draft.refused(message, *path, "selector", "matchExpressions", number)
        if not answers[operator]:
            return False
    return True


def _parsed(draft: Draft, content: bytes, path: Path, file: str = "") -> Any:
    try:
        found = documents.parse(content, YamlLimits())
    except DocumentErrors as error:
        fault = error.faults[0]
        where = f"{file}:{fault.line}" if file else f"line {fault.line} of it"
        raise draft.refused(f"{where}: {fault.message}", *path) from error
    return found[0].value if found else None


def _is_go(draft: Draft) -> bool:
    return bool(draft.of.spec.get("goTemplate"))
