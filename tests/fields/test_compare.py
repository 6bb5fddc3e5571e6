from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.fields import compare

Json = dict[str, Any]


def deployment(**container: Any) -> Json:
    spec = {"template": {"spec": {"containers": [{"name": "web", "image": "web:1", **container}]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def env(**variables: str) -> Json:
    return deployment(env=[{"name": name, "value": value} for name, value in variables.items()])


def limits(**amounts: Any) -> Json:
    return deployment(resources={"limits": amounts})


def config_map(**content: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": content}


def secret(**fields: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, **fields}


def widget(**spec: Any) -> Json:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}


CONTAINER = "/spec/template/spec/containers/0"


@pytest.mark.parametrize(
    ("want", "have"),
    [
        (limits(cpu="1000m"), limits(cpu="1")),
        (limits(cpu=1), limits(cpu="1")),
        (limits(cpu=0.5), limits(cpu="500m")),
        (limits(cpu="0.5"), limits(cpu="500m")),
        (limits(memory="1024Mi"), limits(memory="1Gi")),
        (limits(memory=1073741824), limits(memory="1Gi")),
        (limits(memory="1e3"), limits(memory="1k")),
        (secret(data={"a": "aGVs\nbG8="}), secret(data={"a": "aGVsbG8="})),
        (secret(data={"a": "aGVsbG8=\n"}), secret(data={"a": "aGVsbG8="})),
        (deployment(env=[]), deployment()),
        (deployment(securityContext={}), deployment()),
        (deployment(workingDir=""), deployment()),
        (deployment(securityContext={"runAsUser": 0}), deployment()),
        (deployment(tty=False), deployment()),
        (deployment(lifecycle=None), deployment()),
        (deployment(securityContext={"privileged": False, "capabilities": {"add": []}}), deployment()),
        (deployment(env=[{"name": "A", "value": ""}]), deployment(env=[{"name": "A"}])),
        (secret(data={"a": None}), secret(data={"a": "eA=="})),
        (secret(data=None), secret()),
        (
            {**config_map(), "binaryData": {"a": "aGVs\nbG8="}},
            {**config_map(), "binaryData": {"a": "aGVsbG8="}},
        ),
        (deployment(lifecycle=None), deployment(lifecycle={"preStop": {}})),
    ],
)
def test_what_the_api_server_only_spells_otherwise_is_the_same(want: Json, have: Json) -> None:
    assert compare.differing(want, have) == ()
    assert compare.same(want, have)


@pytest.mark.parametrize(
    ("want", "have", "where"),
    [
        (limits(cpu="1000m"), limits(cpu="1001m"), f"{CONTAINER}/resources/limits/cpu"),
        (limits(cpu=1), limits(cpu=True), f"{CONTAINER}/resources/limits/cpu"),
        (limits(cpu="1"), deployment(), f"{CONTAINER}/resources/limits/cpu"),
        (limits(cpu="one"), limits(cpu="two"), f"{CONTAINER}/resources/limits/cpu"),
        (limits(cpu=1), limits(cpu=None), f"{CONTAINER}/resources/limits/cpu"),
        (deployment(workingDir=""), deployment(workingDir="/x"), f"{CONTAINER}/workingDir"),
        (widget(size=0), widget(size=1), "/spec/size"),
        (deployment(stdin=0), deployment(stdin=1), f"{CONTAINER}/stdin"),
        (deployment(tty=False), deployment(tty=True), f"{CONTAINER}/tty"),
        (deployment(securityContext={}), deployment(securityContext="x"), f"{CONTAINER}/securityContext"),
        (deployment(env=[{"name": "A"}]), deployment(env=["A"]), f"{CONTAINER}/env/0"),
        (widget(map=[{"name": {}}]), widget(map=[{"name": []}]), "/spec/map/0/name"),
        (deployment(image="x"), deployment(image={}), f"{CONTAINER}/image"),
        (deployment(env=[]), env(A="1"), f"{CONTAINER}/env"),
        (config_map(divisor="1000m"), config_map(divisor="1"), "/data/divisor"),
        (widget(target={"version": "1"}), widget(target={"version": "1.0"}), "/spec/target/version"),
        ({**widget(), "stringData": {"a": "x"}}, {**widget(), "data": {"a": "eA=="}}, "/stringData/a"),
        ({**config_map(), "rules": [1]}, {**config_map(), "rules": [2]}, "/rules/0"),
        (config_map(a="aGVs\nbG8="), config_map(a="aGVsbG8="), "/data/a"),
        (config_map(a="1"), config_map(a="1.0"), "/data/a"),
        (config_map(a="1000m"), config_map(a="1"), "/data/a"),
        (config_map(limits="1"), config_map(limits="1.0"), "/data/limits"),
        (config_map(a=""), config_map(), "/data/a"),
        (config_map(**{"a/b~c": "1"}), config_map(), "/data/a~1b~0c"),
        (env(A="1"), env(A="1.0"), f"{CONTAINER}/env/0/value"),
        (deployment(args=["1"]), deployment(args=["1.0"]), f"{CONTAINER}/args/0"),
        (deployment(args=["a", "b"]), deployment(args=["b", "a"]), f"{CONTAINER}/args/0"),
        (deployment(args=["a"]), deployment(args=["a", "b"]), f"{CONTAINER}/args"),
        (deployment(tty=True), deployment(tty=1), f"{CONTAINER}/tty"),
        (deployment(tty=False), deployment(tty=0), f"{CONTAINER}/tty"),
        (deployment(tty=True), deployment(), f"{CONTAINER}/tty"),
        (deployment(image="1"), deployment(image=1), f"{CONTAINER}/image"),
        (deployment(env=[{"name": "A"}]), deployment(), f"{CONTAINER}/env"),
        (secret(data={"a": "aGVsbG8="}), secret(data={"a": "b2xk"}), "/data/a"),
        (secret(data={"a": ""}), secret(), "/data/a"),
        (secret(type="Opaque"), secret(type="kubernetes.io/tls"), "/type"),
        (widget(size=0), widget(), "/spec/size"),
        (widget(size={}), widget(), "/spec/size"),
        (widget(size=1), widget(size=True), "/spec/size"),
    ],
)  # fmt: skip
def test_what_means_something_else_is_named(want: Json, have: Json, where: str) -> None:
    assert where in compare.differing(want, have)
    assert not compare.same(want, have)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        *(("Deployment", {name: "?"}) for name in ("sizeLimit", "divisor", "averageValue")),
        *(
            ("Pod", {name: {"cpu": "?"}})
            for name in ("limits", "requests", "capacity", "overhead", "podFixed")
        ),
        *(("LimitRange", {name: {"cpu": "?"}}) for name in ("max", "min", "default", "defaultRequest")),
        ("LimitRange", {"maxLimitRequestRatio": {"cpu": "?"}}),
        ("ResourceQuota", {"hard": {"requests.cpu": "?"}}),
        ("HorizontalPodAutoscaler", {"target": {"value": "?"}}),
    ],
)
def test_a_quantity_is_one_wherever_the_api_has_one(kind: str, content: Json) -> None:
    def spelt(amount: str) -> Json:
        spec = json.loads(json.dumps(content).replace("?", amount))
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}

    assert compare.same(spelt("1000m"), spelt("1"))
    assert not compare.same(spelt("1000m"), spelt("1001m"))


@pytest.mark.parametrize(
    ("version", "drops"),
    [("v1", True), ("apps/v1", True), ("networking.k8s.io/v1", True), ("example.com/v1", False)],
)
def test_empty_values_are_dropped_by_built_in_kinds_alone(version: str, drops: bool) -> None:  # noqa: FBT001 - a table
    body = {"apiVersion": version, "kind": "Any", "metadata": {"name": "x"}}
    assert compare.same({**body, "spec": {"size": 0}}, {**body, "spec": {}}) is drops


def test_an_aggregated_role_is_compared_but_for_its_rules() -> None:
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"}}
    want = {**body, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    have = {**body, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "c"}}]}}
    assert compare.differing(want, have) == ("/aggregationRule/clusterRoleSelectors/0/matchLabels/a",)


@pytest.mark.parametrize("kind", ["labels", "annotations"])
def test_labels_and_annotations_are_text(kind: str) -> None:
    want, have = config_map(), config_map()
    want["metadata"][kind] = {"limits": "1", "empty": ""}
    have["metadata"][kind] = {"limits": "1.0"}
    assert compare.differing(want, have) == (f"/metadata/{kind}/limits", f"/metadata/{kind}/empty")


def test_an_empty_object_that_says_something_is_not_dropped() -> None:
    def pod(volume: Json) -> Json:
        spec = {"volumes": [{"name": "scratch", **volume}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}

    assert compare.differing(pod({"emptyDir": {}}), pod({"hostPath": {"path": "/"}})) == (
        "/spec/volumes/0/emptyDir",
    )
    assert compare.same(pod({"emptyDir": {}}), pod({"emptyDir": {}}))


def test_items_with_names_are_found_wherever_others_put_theirs() -> None:
    want = env(A="1", B="2")
    have = env(X="9", A="1", B="3")
    assert compare.differing(want, have) == (f"{CONTAINER}/env/1/value",)


@pytest.mark.parametrize(
    "key", ["name", "mountPath", "devicePath", "containerPort", "port", "ip", "topologyKey", "type"]
)
def test_items_are_told_apart_by_what_names_them(key: str) -> None:
    def listed(*items: int) -> Json:
        return deployment(items=[{key: item, "value": f"value of {item}"} for item in items])

    assert compare.same(listed(1, 2), listed(3, 1, 4, 2))
    assert not compare.same(listed(1, 2), listed(2, 1))


@pytest.mark.parametrize(
    "field", ["matchLabels", "nodeSelector", "selector", "labels", "annotations", "data"]
)
def test_an_empty_text_in_a_map_of_text_is_a_value(field: str) -> None:
    def having(**texts: str) -> Json:
        return deployment(**{field: {"a": "x", **texts}})

    assert not compare.same(having(b=""), having())


@pytest.mark.parametrize("field", ["emptyDir", "podSelector", "namespaceSelector"])
def test_an_empty_object_that_chooses_is_a_value(field: str) -> None:
    assert not compare.same(deployment(**{field: {}}), deployment())


def test_a_named_item_that_is_gone_is_named() -> None:
    want = env(A="1", B="2")
    have = env(B="2")
    assert compare.differing(want, have) == (f"{CONTAINER}/env/0",)


def test_another_order_of_the_declared_items_is_a_difference() -> None:
    want = env(A="1", B="2")
    have = env(B="2", A="1")
    assert compare.differing(want, have) == (f"{CONTAINER}/env",)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}),
        ({"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}),
        (
            {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
            {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
        ),
    ],
)
def test_items_that_share_one_key_are_told_apart_by_two(one: Json, two: Json) -> None:
    added = {
        "containerPort": 1,
        "port": 1,
        "topologyKey": "host",
        "protocol": "TCP",
        "whenUnsatisfiable": "x",
    }
    have = deployment(items=[added, one, {"protocol": "TCP", **two, "value": 1}])
    assert compare.same(deployment(items=[one, two]), have)
    assert compare.differing(deployment(items=[one, {**two, "value": 2}]), have) == (
        f"{CONTAINER}/items/1/value",
    )


def test_ports_that_share_a_number_are_compared_in_order() -> None:
    ports = [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]
    have = [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]
    assert compare.same(deployment(ports=ports), deployment(ports=have))
    assert not compare.same(deployment(ports=ports), deployment(ports=have[::-1]))
    assert not compare.same(deployment(ports=ports), deployment(ports=have[1:]))


def test_finalizers_of_others_are_their_business() -> None:
    want, have = config_map(), config_map()
    want["metadata"]["finalizers"] = ["a/b"]
    have["metadata"]["finalizers"] = ["c/d", "a/b"]
    assert compare.same(want, have)
    have["metadata"]["finalizers"] = ["c/d"]
    assert compare.differing(want, have) == ("/metadata/finalizers/0",)


def test_rules_that_a_controller_aggregates_are_not_compared() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}}
    want = {**role, "aggregationRule": {"clusterRoleSelectors": []}, "rules": []}
    assert compare.same(want, {**want, "rules": [{"verbs": ["get"]}]})


def service(**spec: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("want", "have"),
    [
        (service(clusterIP=""), service(clusterIP="10.0.0.1")),
        (service(clusterIPs=[]), service(clusterIPs=["10.0.0.1"])),
        (service(ports=[{"port": 80, "targetPort": 0}]), service(ports=[{"port": 80, "targetPort": 80}])),
        (service(ports=[{"port": 80, "nodePort": 0}]), service(ports=[{"port": 80, "nodePort": 30777}])),
        (service(sessionAffinity="", type=""), service(sessionAffinity="None", type="ClusterIP")),
        (deployment(imagePullPolicy=""), deployment(imagePullPolicy="Always")),
        (
            deployment(livenessProbe={"timeoutSeconds": 0, "periodSeconds": 0}),
            deployment(livenessProbe={"timeoutSeconds": 1, "periodSeconds": 10}),
        ),
    ],
)
def test_an_empty_value_that_asks_the_api_server_to_choose_is_no_difference(want: Json, have: Json) -> None:
    assert compare.differing(want, have) == ()


@pytest.mark.parametrize(
    ("want", "have", "where"),
    [
        (service(clusterIP="10.0.0.1"), service(clusterIP="10.0.0.2"), "/spec/clusterIP"),
        (service(selector={"type": ""}), service(selector={"type": "x"}), "/spec/selector/type"),
        (config_map(clusterIP=""), config_map(clusterIP="10.0.0.1"), "/data/clusterIP"),
        (widget(clusterIP=""), widget(clusterIP="10.0.0.1"), "/spec/clusterIP"),
        (service(replicas=0), service(replicas=1), "/spec/replicas"),
    ],
)
def test_an_empty_value_that_is_a_value_counts(want: Json, have: Json, where: str) -> None:
    assert compare.differing(want, have) == (where,)


@pytest.mark.parametrize(
    ("want", "have", "found"),
    [
        (deployment(workingDir=""), deployment(workingDir="/x"), ()),
        (deployment(volumeMounts=[]), deployment(volumeMounts=[{"name": "token"}]), ()),
        (deployment(args=[]), deployment(args=["x"]), (f"{CONTAINER}/args",)),
        (env(A=""), env(A="x"), (f"{CONTAINER}/env/0/value",)),
        (config_map(a=""), config_map(a="x"), ("/data/a",)),
        (widget(a=""), widget(a="x"), ("/spec/a",)),
        (service(replicas=0), service(replicas=1), ("/spec/replicas",)),
    ],
)
def test_what_the_api_server_filled_in_was_not_overridden_by_admission(
    want: Json, have: Json, found: tuple[str, ...]
) -> None:
    assert compare.overridden(want, have) == found


def test_what_only_a_server_writes_is_not_compared() -> None:
    want, have = config_map(a="1"), config_map(a="1")
    want["metadata"] |= {"generation": 3, "selfLink": "/old", "uid": "1", "resourceVersion": "2"}
    assert compare.same(want, have)


def test_a_secret_of_another_group_is_compared_as_text() -> None:
    foreign = {**secret(data={"a": "eA==\n"}), "apiVersion": "example.com/v1"}
    assert not compare.same(foreign, {**foreign, "data": {"a": "eA=="}})


def test_data_that_is_no_base64_is_compared_as_it_stands() -> None:
    assert compare.same(secret(data={"a": "%"}), secret(data={"a": "%"}))
    assert not compare.same(secret(data={"a": "%"}), secret(data={"a": "&"}))
    assert not compare.same(secret(data={"a": 1}), secret(data={"a": "1"}))


leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "1", "1000m", "1Gi"])
keys = st.sampled_from(["a", "b/c", "limits", "name", "data", "labels", "finalizers"])
trees = st.recursive(
    leaves,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3),
    max_leaves=10,
)
specs = st.dictionaries(keys, trees, max_size=4)
objects = st.builds(lambda spec: widget(**spec), specs) | st.builds(
    lambda spec: {**deployment(), "spec": spec}, specs
)


@given(objects)
def test_everything_is_the_same_as_itself(body: Json) -> None:
    assert compare.differing(body, copy.deepcopy(body)) == ()


@given(objects, objects)
def test_same_means_that_nothing_differs(want: Json, have: Json) -> None:
    assert compare.same(want, have) == (compare.differing(want, have) == ())


@given(objects, keys)
def test_what_is_not_declared_is_not_compared(body: Json, key: str) -> None:
    have = copy.deepcopy(body)
    have["status"] = {"ready": True}
    have["metadata"]["labels"] = {"added": "by others"}
    have["spec"].setdefault(f"more {key}", {"x": 1})
    assert compare.same(body, have)
