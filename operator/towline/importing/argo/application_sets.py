"""Make the Applications that an ApplicationSet of Argo CD makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.importing.argo import generators, set_templates
from towline.importing.argo.argo_rules import APPLICATION_SET
from towline.importing.argo.set_templates import TemplateError
from towline.importing.draft import Draft, NotImportableError
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource

_TEMPLATE = ("spec", "template")


def applications(of: PeerResource, known: Homes) -> tuple[tuple[PeerResource, ...], Draft]:
    """Return the Applications of a set, and a draft with what is told about the set itself.

    None where it makes any that cannot be known.
    """
    draft = Draft(of)
    try:
        draft.check(APPLICATION_SET)
        if of.spec.get("templatePatch"):
            raise draft.refused(
                "a patch of the template is not read: write it into spec.template", "spec", "templatePatch"
            )
        found = tuple(_application(draft, each) for each in generators.params(draft, known))
    except NotImportableError:
        return (), draft
    if not found:
        draft.refused("its generators make no Application", "spec", "generators")
    draft.tell(APPLICATION_SET)
    return found, draft


def _application(draft: Draft, params: set_templates.Params) -> PeerResource:
    of = draft.of
    try:
        made: Any = set_templates.filled(
            of.spec.get("template") or {}, params, go=bool(of.spec.get("goTemplate"))
        )
    except TemplateError as error:
        raise draft.refused(str(error), *_TEMPLATE) from error
    metadata, spec = made.get("metadata") or {}, made.get("spec") or {}
    for name, value in (("metadata", metadata), ("spec", spec)):
        if not isinstance(value, Mapping):
            raise draft.refused("must be a map", *_TEMPLATE, name)
    body = {
        "apiVersion": of.body["apiVersion"],
        "kind": "Application",
        "metadata": {**metadata, "namespace": metadata.get("namespace") or of.namespace},
        "spec": spec,
    }
    return PeerResource(
        body=body,
        file=of.file,
        first=of.line(*_TEMPLATE),
        places=of.places,
        inside=(*of.inside, *_TEMPLATE),
        parent=of.title,
    )
