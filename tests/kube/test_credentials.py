from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from towline.errors import ClusterError
from towline.kube import credentials
from towline.kube.credentials import ClusterChoice
from towline.kube.impersonated import NOBODY_ELSE, Impersonated


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    return authority


def kubeconfig(path: Path, user: dict[str, Any], **cluster: Any) -> str:
    whole = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://cluster.example:6443/", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(whole))
    return str(path)


def test_a_token_of_a_kubeconfig_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA
) -> None:
    more = {"certificate-authority": "ca.crt", "tls-server-name": "kubernetes"}
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", {"token": "t0ken"}, **more))
    access = credentials.load()
    assert access.host == "https://cluster.example:6443"
    assert access.authorization() == "Bearer t0ken"
    assert access.server_name == "kubernetes"
    assert isinstance(access.tls, ssl.SSLContext)
    assert access.tls.verify_mode is ssl.CERT_REQUIRED
    assert len(access.tls.get_ca_certs()) == 1


def test_a_client_certificate_needs_no_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA
) -> None:
    authority.issue_cert("towline").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    user = {"client-certificate": "client.pem", "client-key": "client.pem"}
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", user))
    access = credentials.load()
    assert access.authorization() == ""
    assert isinstance(access.tls, ssl.SSLContext)


def test_a_program_that_makes_tokens_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "made"},
    }
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print({json.dumps(json.dumps(answer))})"],
        "interactiveMode": "Never",
    }
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", {"exec": plugin}))
    assert credentials.load().authorization() == "Bearer made"


def test_verification_is_off_only_where_the_kubeconfig_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path / "config", {"token": "t"}, **{"insecure-skip-tls-verify": True})
    monkeypatch.setenv("KUBECONFIG", path)
    access = credentials.load()
    assert isinstance(access.tls, ssl.SSLContext)
    assert access.tls.verify_mode is ssl.CERT_NONE


def test_a_server_is_asked_over_tls_however_its_scheme_is_spelled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path / "config", {"token": "t"}, server="HTTPS://cluster.example")
    monkeypatch.setenv("KUBECONFIG", path)
    assert isinstance(credentials.load().tls, ssl.SSLContext)


def test_a_pod_uses_the_token_that_is_there_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA
) -> None:
    from kubernetes.config import incluster_config

    (tmp_path / "token").write_text("first\n")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = credentials.load()
    assert access.host == "https://10.0.0.1:443"
    assert access.authorization() == "Bearer first"
    (tmp_path / "token").write_text("second\n")
    assert credentials.load().authorization() == "Bearer second"


@pytest.mark.parametrize(("spared", "proxy"), [("", "http://proxy.example:3128"), (".example", "")])
def test_a_proxy_is_used_but_for_hosts_that_are_spared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spared: str, proxy: str
) -> None:
    monkeypatch.setenv("no_proxy", spared)
    path = kubeconfig(tmp_path / "config", {"token": "t"}, **{"proxy-url": "http://proxy.example:3128"})
    monkeypatch.setenv("KUBECONFIG", path)
    assert credentials.load().proxy == proxy


@pytest.mark.parametrize("content", ["]s3cret", "token: s3cret", "users: s3cret", "users: [{name: s3cret}]"])
def test_a_configuration_that_cannot_be_used_is_told_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(ClusterError, match="the cluster") as caught:
        credentials.load()
    assert "s3cret" not in caught.value.message


def test_a_configuration_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(
        ClusterError, match=r"no configuration for the cluster: .*/config does not exist; set KUBE"
    ):
        credentials.load()


@pytest.mark.parametrize(
    ("script", "what"),
    [("", "was not found; install it"), ("#!/bin/sh\nexit 3\n", "gave none; run it by hand")],
)
@pytest.mark.parametrize("command", ["./make-token", "make-token"])
def test_a_program_that_makes_no_tokens_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, script: str, what: str
) -> None:
    if script:
        (tmp_path / "make-token").write_text(script)
        (tmp_path / "make-token").chmod(0o755)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": command,
        "interactiveMode": "Never",
    }
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", {"exec": plugin}))
    with pytest.raises(ClusterError, match=f'the program "{command}" that the kubeconfig names {what}'):
        credentials.load()


def test_we_are_at_home_in_the_namespace_that_the_pod_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "operators")
    assert credentials.namespace() == "operators"


def test_a_pod_that_is_told_nothing_is_at_home_where_its_service_account_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("POD_NAMESPACE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    (tmp_path / "namespace").write_text("operators\n")
    monkeypatch.setattr(credentials, "POD_NAMESPACE", tmp_path / "namespace")
    assert credentials.namespace() == "operators"


@pytest.mark.parametrize(("context", "home"), [({"namespace": "operators"}, "operators"), ({}, "default")])
def test_outside_of_a_pod_we_are_at_home_in_the_namespace_of_the_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, context: dict[str, str], home: str
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    path = tmp_path / "config"
    whole = json.loads(Path(kubeconfig(path, {"token": "t0ken"})).read_text())
    whole["contexts"][0]["context"].update(context)
    path.write_text(json.dumps(whole))
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert credentials.namespace() == home


def test_without_any_configuration_we_are_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ClusterError):
        credentials.namespace()


def two_contexts(path: Path) -> str:
    whole = {
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "a", "user": "u", "namespace": "shop"}},
            {"name": "there", "context": {"cluster": "b", "user": "u"}},
        ],
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}.example:6443"}} for name in ("a", "b")
        ],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }
    path.write_text(json.dumps(whole))
    return str(path)


def test_a_user_may_name_the_kubeconfig_the_context_and_whom_to_impersonate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "another"))
    path = two_contexts(tmp_path / "config")
    there = ClusterChoice(kubeconfig=path, context="there", impersonated="jane")
    access = credentials.load(there)
    assert (access.host, access.impersonated.user) == ("https://b.example:6443", "jane")
    assert credentials.context_namespace(there) == "default"
    here = ClusterChoice(kubeconfig=path)
    assert (credentials.load(here).host, credentials.load(here).impersonated) == (
        "https://a.example:6443",
        NOBODY_ELSE,
    )
    assert credentials.context_namespace(here) == "shop"
    assert credentials.contexts(here) == ("here", "there")


def test_whom_a_kubeconfig_impersonates_is_impersonated_unless_a_user_names_another(tmp_path: Path) -> None:
    bob = {
        "as": "bob",
        "as-uid": "7",
        "as-groups": ["a", "b"],
        "as-user-extra": {"reason": ["x"]},
    }
    path = kubeconfig(tmp_path / "config", bob)
    found = Impersonated(user="bob", uid="7", groups=("a", "b"), extra={"reason": ("x",)})
    assert credentials.load(ClusterChoice(kubeconfig=path)).impersonated == found
    jane = ClusterChoice(kubeconfig=path, impersonated="jane")
    assert credentials.load(jane).impersonated == replace(found, user="jane")  # as for kubectl


def test_groups_to_impersonate_need_a_user(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {"as-groups": ["a"]})
    with pytest.raises(ClusterError, match="but no user: add `as`, or give --as"):
        credentials.load(ClusterChoice(kubeconfig=path))
    assert credentials.load(ClusterChoice(kubeconfig=path, impersonated="jane")).impersonated.groups == ("a",)


@pytest.mark.parametrize("bad", [{"as-groups": "a"}, {"as-user-extra": ["a"]}, {"as-user-extra": {"a": "b"}}])
def test_a_list_to_impersonate_that_is_none_is_an_error_of_the_kubeconfig(
    tmp_path: Path, bad: dict[str, Any]
) -> None:
    path = kubeconfig(tmp_path / "config", {"as": "bob", **bad})
    with pytest.raises(ClusterError, match="cannot be read"):
        credentials.load(ClusterChoice(kubeconfig=path))


@pytest.mark.parametrize("ask", [credentials.load, credentials.context_namespace])
def test_a_context_that_does_not_exist_is_named_with_what_lists_them(
    tmp_path: Path, ask: Callable[[ClusterChoice], object]
) -> None:
    choice = ClusterChoice(kubeconfig=two_contexts(tmp_path / "config"), context="nowhere")
    with pytest.raises(ClusterError, match=r'config has no context "nowhere"; kubectl config get-contexts'):
        ask(choice)
