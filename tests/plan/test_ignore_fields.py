from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from towline.api.ignoring import Rule
from towline.fields import owned_paths
from towline.model import Body, Manifest, ObjectRef, Origin
from towline.plan import ignore_fields
from towline.plan.manifest import declare

US = "towline:shop/app"
REPLICAS = "/spec/replicas"
IMAGE = "/spec/template/spec/containers/1/image"


def manifest(
    body: Mapping[str, Any] | None = None, kind: str = "Deployment", group: str = "apps", **labels: str
) -> Manifest:
    declared = {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": "web", "labels": labels},
        **(body or {}),
    }
    ref = ObjectRef(group, kind, "shop", "web")
    return declare(declared, ref, "v1:1", Origin("a.yaml", 1))


def owner(name: str, fields: Mapping[str, Any], operation: str = "Update", subresource: str = "") -> Body:
    place = {"subresource": subresource} if subresource else {}
    return {"manager": name, "operation": operation, "fieldsV1": fields, **place}


def live(body: Mapping[str, Any], *owners: Body) -> Body:
    return {"metadata": {"name": "web", "managedFields": list(owners)}, **body}


def scale(replicas: int, *owners: Body) -> Body:
    return live({"spec": {"replicas": replicas, "paused": True}}, *owners)


HELD: Body = {"f:spec": {"f:replicas": {}}}
OURS = owner(US, HELD, "Apply")
WANTED: Body = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2, "paused": True}}


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ({"kind": "Deployment"}, True),
        ({"kind": "Deployment", "group": "apps", "name": "web", "namespace": "shop"}, True),
        ({"labels": {"app": "web"}}, True),
        ({"kind": "StatefulSet"}, False),
        ({"group": ""}, False),
        ({"name": "we"}, False),
        ({"name": ".*"}, False),
        ({"namespace": "other"}, False),
        ({"labels": {"app": "web", "tier": "front"}}, False),
        ({"kind": "Deployment", "labels": {"app": "db"}}, False),
    ],
)
def test_a_rule_means_the_objects_that_agree_with_all_that_it_names(
    rule: Mapping[str, Any], *, meant: bool
) -> None:
    found = ignore_fields.ignored(manifest(app="web"), [Rule(pointers=(REPLICAS,), **rule)])
    assert found == ((REPLICAS,) if meant else ())


def test_rules_add_up_and_a_pointer_below_another_says_nothing_new() -> None:
    rules = [Rule(pointers=("/spec/a/b", "/spec/c")), Rule(pointers=("/spec/a", "/spec/ab"))]
    assert ignore_fields.ignored(manifest(), rules) == ("/spec/a", "/spec/ab", "/spec/c")


def test_the_text_of_a_secret_is_left_where_the_server_keeps_it() -> None:
    secret = manifest(kind="Secret", group="")
    assert ignore_fields.ignored(secret, [Rule(pointers=("/stringData/word",))]) == ("/data/word",)
    assert ignore_fields.ignored(secret, [Rule(pointers=("/stringDatum",))]) == ("/stringDatum",)


def test_what_is_left_to_others_is_part_of_the_digest_of_the_objects_that_are_meant() -> None:
    plain, other = manifest(), manifest(kind="StatefulSet")
    one, untouched = ignore_fields.marked((plain, other), [Rule(kind="Deployment", pointers=(REPLICAS,))])
    (two,) = ignore_fields.marked((plain,), [Rule(kind="Deployment", pointers=("/spec/paused",))])
    assert untouched == other
    assert one.ignored == (REPLICAS,)
    assert len({plain.digest, one.digest, two.digest}) == 3
    assert len(one.digest) <= 63


def test_what_is_lost_of_it_is_no_drift() -> None:
    lost = ("/spec/replicas", "/spec/replicasMax", "/spec/a/b/c", "/spec", "/data/x")
    assert ignore_fields.without((REPLICAS, "/spec/a/b"), lost) == ("/spec/replicasMax", "/spec", "/data/x")


@pytest.mark.parametrize(
    "theirs",
    [
        owner("kube-controller-manager", HELD, subresource="scale"),
        owner("kubectl-edit", HELD),
        owner("keda", HELD, "Apply"),
        owner(US, HELD),
    ],
)
def test_a_field_of_another_manager_is_left_out(theirs: Body) -> None:
    for owners in ([theirs], [OURS, theirs]):
        assert ignore_fields.sent(WANTED, [REPLICAS], scale(5, *owners), US)["spec"] == {"paused": True}


def test_a_field_that_only_we_own_keeps_its_live_value() -> None:
    status = owner("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status")
    for owners in ([OURS], [OURS, status], []):
        assert ignore_fields.sent(WANTED, [REPLICAS], scale(5, *owners), US)["spec"]["replicas"] == 5


def test_a_field_that_git_declares_no_more_is_kept_while_only_we_own_it() -> None:
    bare = {**WANTED, "spec": {"paused": True}}
    assert ignore_fields.sent(bare, [REPLICAS], scale(5, OURS), US)["spec"] == {"paused": True, "replicas": 5}
    theirs = owner("kube-controller-manager", HELD, subresource="scale")
    assert ignore_fields.sent(bare, [REPLICAS], scale(5, theirs), US)["spec"] == {"paused": True}
    assert ignore_fields.sent(bare, [REPLICAS], scale(1), US)["spec"] == {"paused": True}
    nothing = {name: value for name, value in WANTED.items() if name != "spec"}
    assert ignore_fields.sent(nothing, [REPLICAS], scale(5, OURS), US)["spec"] == {"replicas": 5}


def test_a_field_that_somebody_took_away_is_not_brought_back() -> None:
    gone = live({"spec": {"paused": True}}, owner(US, {"f:spec": {"f:paused": {}}}, "Apply"))
    assert ignore_fields.sent(WANTED, [REPLICAS], gone, US)["spec"] == {"paused": True}


def test_a_pointer_that_leads_nowhere_changes_nothing() -> None:
    for pointer in ("/spec/other", "/spec/replicas/deeper", "/spec/paused/0", "/nowhere/at/all"):
        assert ignore_fields.sent(WANTED, [pointer], scale(5, OURS), US) == WANTED


def test_items_of_lists_correspond_by_name_in_whatever_order_they_are_live() -> None:
    def pod(*containers: Body) -> Mapping[str, Any]:
        return {"spec": {"template": {"spec": {"containers": list(containers)}}}}

    def held(name: str) -> Mapping[str, Any]:
        key = f'k:{{"name":"{name}"}}'
        return {
            "f:spec": {
                "f:template": {"f:spec": {"f:containers": {key: {".": {}, "f:name": {}, "f:image": {}}}}}
            }
        }

    main, side = {"name": "main", "image": "m:1"}, {"name": "side", "image": "s:1"}
    wanted = {"kind": "Deployment", "metadata": {"name": "web"}, **pod(main, side)}
    moved = pod({"name": "injected"}, {"name": "side", "image": "s:2"}, {"name": "main", "image": "m:2"})
    alone = ignore_fields.sent(wanted, [IMAGE], live(moved, owner(US, held("side"), "Apply")), US)
    assert alone["spec"]["template"]["spec"]["containers"] == [main, {"name": "side", "image": "s:2"}]
    theirs = ignore_fields.sent(wanted, [IMAGE], live(moved, owner("flux", held("side"))), US)
    assert theirs["spec"]["template"]["spec"]["containers"] == [main, {"name": "side"}]
    missing = ignore_fields.sent(wanted, ["/spec/template/spec/containers/7/image"], live(moved), US)
    assert missing == wanted


def test_each_key_of_a_map_is_settled_for_itself_and_what_others_added_is_not_taken() -> None:
    wanted = {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "git", "b": "git", "c": "git"}}
    found = live(
        {"data": {"a": "live", "b": "theirs", "added": "theirs", "dropped": "live"}},
        owner(US, {"f:data": {"f:a": {}, "f:dropped": {}}}, "Apply"),
        owner("kubectl", {"f:data": {"f:b": {}, "f:added": {}}}),
    )
    sent = ignore_fields.sent(wanted, ["/data"], found, US)
    assert sent["data"] == {"a": "live", "dropped": "live"}


def test_a_list_of_which_somebody_else_holds_a_part_is_sent_as_it_is_live() -> None:
    wanted = {"kind": "X", "metadata": {"name": "web"}, "spec": {"finalizers": ["a"]}}
    found = live(
        {"spec": {"finalizers": ["b", "a"]}},
        owner(US, {"f:spec": {"f:finalizers": {'v:"a"': {}}}}, "Apply"),
        owner("other", {"f:spec": {"f:finalizers": {'v:"b"': {}}}}),
    )
    assert ignore_fields.sent(wanted, ["/spec/finalizers"], found, US)["spec"] == {"finalizers": ["b", "a"]}


def test_our_own_labels_and_annotations_are_left_to_nobody() -> None:
    stamps = {"towline.dev/owner": "new", "kubernetes.io/change-cause": "new"}
    wanted = {"kind": "X", "metadata": {"name": "web", "annotations": {"note": "git", **stamps}}}
    old = dict.fromkeys(stamps, "old")
    held: Body = {f"f:{name}": {} for name in ("note", *stamps)}
    found = live({}, owner(US, {"f:metadata": {"f:annotations": held}}, "Apply"))
    found = {"metadata": {**found["metadata"], "annotations": {"note": "live", **old}}}
    sent = ignore_fields.sent(wanted, ["/metadata/annotations"], found, US)
    assert sent["metadata"]["annotations"] == {"note": "live", **stamps}
    bare = ignore_fields.sent(wanted, ["/metadata/annotations"], live({}), US)
    assert bare["metadata"]["annotations"] == stamps


def test_an_item_of_a_list_is_left_out_or_sent_as_a_whole_and_moves_no_other() -> None:
    def pod(*containers: Body) -> Body:
        return {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": list(containers)}}

    def held(*names: str) -> Body:
        keys: Body = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:image": {}} for name in names}
        return {"f:spec": {"f:containers": keys}}

    one, two, three = ({"name": name, "image": f"{name}:git"} for name in ("one", "two", "three"))
    found = pod(*({"name": name, "image": f"{name}:live"} for name in ("three", "two", "one")))
    owners = (owner(US, held("one", "three"), "Apply"), owner("mesh", held("two")))
    found = live({"spec": found["spec"]}, *owners)
    pointers = ["/spec/containers/1", "/spec/containers/2", "/spec/containers/9"]
    kept = ignore_fields.sent(pod(one, two, three), pointers, found, US)["spec"]["containers"]
    assert kept == [one, {"name": "three", "image": "three:live"}]


@pytest.mark.parametrize(
    ("field", "one", "two"),
    [
        ("volumeMounts", {"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/b"}),
        ("ports", {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}),
        ("ports", {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}),
        ("ports", {"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}),
        ("metrics", {"type": "Resource"}, {"type": "Resource"}),
        ("names", {"name": "a", "type": "x"}, {"name": "a", "type": "x"}),
    ],
)
def test_an_item_is_never_given_the_value_of_another_that_looks_like_it(
    field: str, one: Body, two: Body
) -> None:
    def having(first: str, second: str) -> Body:
        return {"spec": {field: [{**one, "value": first}, {**two, "value": second}]}}

    wanted = {"kind": "X", "metadata": {"name": "web"}, **having("git", "git")}
    found = live(having("one", "two"), owner(US, {"f:spec": {f"f:{field}": {}}}, "Apply"))
    sent = ignore_fields.sent(wanted, [f"/spec/{field}/0/value", f"/spec/{field}/1/value"], found, US)
    assert sent["spec"] == having("one", "two")["spec"]


def test_an_item_that_is_not_live_is_made_as_git_has_it() -> None:
    wanted = {
        "kind": "X",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "new", "image": "a:1"}]},
    }
    for there in ([{"name": "old", "image": "a:2"}], []):
        found = live({"spec": {"containers": there}})
        assert ignore_fields.sent(wanted, ["/spec/containers/0/image"], found, US) == wanted
        assert ignore_fields.sent(wanted, ["/spec/containers/0"], found, US)["spec"] == {"containers": []}


def test_nothing_is_looked_for_below_a_text() -> None:
    found = live({"spec": {"word": {"a": "live"}}}, owner(US, {"f:spec": {"f:word": {}}}, "Apply"))
    wanted = {"kind": "X", "metadata": {"name": "web"}, "spec": {"word": "git"}}
    assert ignore_fields.sent(wanted, ["/spec/word/a"], found, US) == wanted


SELECTED: Body = {
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web", "color": "blue"}},
}
WHOLE: Body = {"f:spec": {"f:selector": {}}}
COLOR = "/spec/selector/color"


@pytest.mark.parametrize(
    "owners",
    [
        (owner("kubectl-patch", WHOLE),),
        (owner(US, WHOLE, "Apply"), owner("kubectl-patch", WHOLE)),
        (owner(US, WHOLE, "Apply"), owner("rollouts", WHOLE, "Apply")),
    ],
)
def test_a_part_of_what_is_owned_as_a_whole_is_sent_as_it_is_live_whoever_owns_it(
    owners: tuple[Body],
) -> None:
    found = live({"spec": {"selector": {"app": "web", "color": "green"}}}, *owners)
    sent = ignore_fields.sent(SELECTED, [COLOR], found, US)
    assert sent["spec"]["selector"] == {"app": "web", "color": "green"}
    bare = {**SELECTED, "spec": {"selector": {"app": "web"}}}
    assert ignore_fields.sent(bare, [COLOR], found, US)["spec"]["selector"] == {
        "app": "web",
        "color": "green",
    }


def test_a_whole_of_which_git_declares_nothing_is_not_sent_for_a_part_of_it() -> None:
    found = live({"spec": {"selector": {"app": "web", "color": "green"}}}, owner("kubectl-patch", WHOLE))
    nothing = {**SELECTED, "spec": {"type": "ClusterIP"}}
    assert ignore_fields.sent(nothing, [COLOR], found, US) == nothing


def test_a_part_of_an_item_of_an_atomic_list_is_sent_as_it_is_live() -> None:
    def routed(*weights: int) -> Body:
        route = [{"destination": {"host": str(index)}, "weight": each} for index, each in enumerate(weights)]
        return {"spec": {"http": [{"name": "main", "route": route}]}}

    found = live(routed(70, 30), owner("flagger", {"f:spec": {"f:http": {}}}))
    wanted = {"kind": "VirtualService", "metadata": {"name": "web"}, **routed(100, 0)}
    pointers = ["/spec/http/0/route/0/weight", "/spec/http/0/route/1/weight"]
    assert ignore_fields.sent(wanted, pointers, found, US)["spec"] == routed(70, 30)["spec"]


def test_who_owns_an_empty_map_owns_no_whole_where_others_own_its_fields_one_by_one() -> None:
    found = live(
        {"spec": {"limits": {"cpu": "2", "memory": "1Gi"}}},
        owner("empty", {"f:spec": {"f:limits": {}}}),
        owner("autoscaler", {"f:spec": {"f:limits": {"f:memory": {}}}}),
    )
    wanted = {"kind": "X", "metadata": {"name": "web"}, "spec": {"limits": {"cpu": "1", "memory": "2Gi"}}}
    assert ignore_fields.sent(wanted, ["/spec/limits/memory"], found, US)["spec"] == {"limits": {"cpu": "1"}}


def test_what_a_whole_lost_with_a_field_of_others_is_not_sure_to_differ() -> None:
    lost = ("/spec/selector/app", COLOR, "/spec/type")
    body = {**SELECTED, "spec": {**SELECTED["spec"], "type": "ClusterIP"}}
    assert ignore_fields.unsure(body, (COLOR,), lost) == {"/spec/selector/app", COLOR}
    assert ignore_fields.unsure(body, ("/spec/selector/added",), lost) == {"/spec/selector/app", COLOR}
    assert ignore_fields.unsure(body, (COLOR,), ("/spec/selector/app", "/spec/type")) == frozenset()
    assert ignore_fields.unsure(body, ("/spec/replicas",), lost) == frozenset()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"data": {"a": "1", "b": "2"}}, "/data/a"),
        ({"metadata": {"labels": {"a": "1", "b": "2"}}}, "/metadata/labels/a"),
        (
            {"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b"}]}},
            "/spec/containers/0/image",
        ),
    ],
)
def test_what_is_never_owned_as_a_whole_is_sure_to_differ(body: Body, pointer: str) -> None:
    lost = tuple(path for path in owned_paths.lost(body, b"") if path != "/spec/containers/1/name")
    assert ignore_fields.unsure(body, (pointer,), lost) == frozenset()
