"""What people do to managed objects with kubectl."""

from __future__ import annotations

import json

from e2e.harness.cluster import Object
from e2e.scenes.drift.other_writers import Thing, changed

OTHER = "other"


def kubectl_edit(thing: Thing) -> None:
    _run(thing, "edit", editor="sed -i -e s/blue/other/ -e s/main:1/other:1/")


def kubectl_scale(thing: Thing) -> None:
    _run(thing, "scale", "--replicas=1")


def kubectl_set_image(thing: Thing) -> None:
    _run(thing, "set", "image", f"main=registry.example/{OTHER}:1")


def kubectl_patch(thing: Thing) -> None:
    _run(thing, "patch", f"--patch={json.dumps(_changed(thing.body, thing))}", "--type=merge")


def kubectl_replace(thing: Thing) -> None:
    _file("replace", thing, _changed(thing.read(), thing))


def kubectl_apply(thing: Thing) -> None:
    _file("apply", thing, _changed(thing.body, thing))


def kubectl_apply_on_the_server(thing: Thing) -> None:
    body = _changed(thing.body, thing)
    _file("apply", thing, body, "--server-side", "--force-conflicts")


def kubectl_delete(thing: Thing) -> None:
    _run(thing, "delete", "--wait=false")


def kubectl_label_over_ours(thing: Thing) -> None:
    _run(thing, "label", "towline.dev/repository=some.body", "--overwrite")


def kubectl_rollout_restart(thing: Thing) -> None:
    _run(thing, "rollout", "restart")


def kubectl_annotate(thing: Thing) -> None:
    _run(thing, "annotate", "example.com/note=foreign")


def kubectl_label(thing: Thing) -> None:
    _run(thing, "label", "example.com/team=foreign")


def kubectl_rollout_undo(thing: Thing) -> None:
    _run(thing, "rollout", "undo")


RESTORED = (
    (kubectl_edit, ("ConfigMap", "Deployment", "Widget")),
    (kubectl_scale, ("Deployment", "Widget")),
    (kubectl_set_image, ("Deployment",)),
    (kubectl_patch, ("ConfigMap", "Service")),
    (kubectl_replace, ("ConfigMap", "Deployment")),
    (kubectl_apply, ("ConfigMap", "Deployment")),
    (kubectl_apply_on_the_server, ("ConfigMap", "Deployment")),
    (kubectl_delete, ("ConfigMap", "Deployment")),
    (kubectl_label_over_ours, ("ConfigMap", "Deployment")),
)
UNTOUCHED = (
    (kubectl_rollout_restart, ("Deployment",)),
    (kubectl_annotate, ("ConfigMap", "Deployment")),
    (kubectl_label, ("ConfigMap", "Deployment")),
)


def _run(thing: Thing, verb: str, *arguments: str, editor: str = "") -> None:
    """Run one command on the object: its name stands behind the verbs, before what is asked for."""
    verbs = [verb, *(word for word in arguments if word in {"image", "restart", "undo"})]
    rest = [word for word in arguments if word not in verbs]
    variables = {"KUBE_EDITOR": editor} if editor else {}
    target = f"{thing.kind.resource}/{thing.name}"
    thing.cluster.kubectl(*verbs, target, f"--namespace={thing.namespace}", *rest, variables=variables)


def _file(verb: str, thing: Thing, body: Object, *flags: str) -> None:
    thing.cluster.kubectl(verb, f"--namespace={thing.namespace}", "-f", "-", *flags, stdin=json.dumps(body))


def _changed(body: Object, thing: Thing) -> Object:
    value = "None" if thing.kind.name == "Service" else f"registry.example/{OTHER}:1"
    return changed(body, thing.kind.path, value)
