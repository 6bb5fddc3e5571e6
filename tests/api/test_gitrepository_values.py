from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.api import gitrepository, schema
from towline.api.gitrepository import Ref, RefKind, Spec
from towline.errors import Reason, SpecError

CRD = yaml.safe_load((Path(__file__).parents[2] / "crds" / "gitrepositories.yaml").read_text())
SCHEMA = schema.validator(CRD)
URL = "https://git.example/app.git"
SHA = "0123456789abcdef0123456789abcdef01234567"


def specify(**spec: Any) -> Spec:
    metadata = {"namespace": "shop", "name": "app", "uid": "u-1"}
    repository = gitrepository.identify({"metadata": metadata, "spec": {"url": URL, **spec}})
    return gitrepository.specify(repository, SCHEMA)


def refused(**spec: Any) -> SpecError:
    with pytest.raises(SpecError) as caught:
        specify(**spec)
    return caught.value


@pytest.mark.parametrize("kind", ["branch", "tag"])
@pytest.mark.parametrize(
    "name",
    [
        "--foo",
        "..",
        "a..b",
        "@{-1}",
        "x.lock",
        "x.lock/y",
        "a\x01b",
        "a\x7fb",
        "a b",
        "a~b",
        "a^b",
        "a:b",
        "a?b",
        "a*b",
        "a[b",
        "a\\b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.",
        "@",
        "",
        "a" * 300,
    ],
)
def test_a_name_that_git_refuses_is_an_invalid_ref(kind: str, name: str) -> None:
    error = refused(ref={kind: name})
    assert error.reason is Reason.INVALID_REF
    assert f"spec.ref.{kind}: " in error.message


@pytest.mark.parametrize(
    "ref",
    [
        {"commit": SHA[:39]},
        {"commit": SHA + "0"},
        {"commit": SHA[:7]},
        {"commit": "g" * 40},
        {"commit": ""},
        {"semver": "latest"},
        {"semver": ""},
        {"semver": "1.x\n"},
        {"name": "main"},
        {"name": "refs/"},
        {"name": "refs/heads/x.lock"},
        {"name": "--upload-pack=x"},
        {"branch": "main", "tag": "v1"},
    ],
)
def test_a_ref_that_cannot_be_is_an_invalid_ref(ref: dict[str, str]) -> None:
    assert refused(ref=ref).reason is Reason.INVALID_REF


@pytest.mark.parametrize(
    ("given", "ref"),
    [
        ({}, Ref(kind=RefKind.HEAD)),
        ({"branch": "feature/ä-1"}, Ref(kind=RefKind.BRANCH, value="feature/ä-1")),
        ({"semver": ">= v1.2 <2"}, Ref(kind=RefKind.SEMVER, value=">= v1.2 <2")),
        ({"commit": SHA.upper()}, Ref(kind=RefKind.COMMIT, value=SHA)),
        ({"branch": "main", "commit": SHA}, Ref(kind=RefKind.COMMIT, value=SHA, branch="main")),
        ({"commit": SHA, "branch": "main"}, Ref(kind=RefKind.COMMIT, value=SHA, branch="main")),
        ({"commit": "f" * 64}, Ref(kind=RefKind.COMMIT, value="f" * 64)),
        ({"name": "refs/pull/12/head"}, Ref(kind=RefKind.NAME, value="refs/pull/12/head")),
    ],
)
def test_a_ref_of_each_kind_is_read(given: dict[str, str], ref: Ref) -> None:
    assert specify(ref=given).ref == ref


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc",
        "/",
        "a/../../b",
        "..",
        "a/..",
        ".git",
        "a/.git/b",
        ".GIT",
        "a\\b",
        "a\x00b",
        "a\nb",
        "",
    ],
)
def test_a_path_that_leaves_the_repository_is_an_invalid_path(path: str) -> None:
    error = refused(path=path)
    assert error.reason is Reason.INVALID_PATH
    assert error.message.startswith("spec.path: ")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (".", "."),
        ("./", "."),
        ("./a//b/", "a/b"),
        ("a/./b", "a/b"),
        ("a..b/.github", "a..b/.github"),
        ("ä b", "ä b"),
    ],
)
def test_a_path_has_one_spelling(given: str, path: str) -> None:
    assert specify(path=given).path == path


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "fd::17",
        "file:///srv/app",
        "/srv/app",
        "../app",
        "git://git.example/app",
        "git@git.example:app.git",
        "HTTPS://git.example/app",
        "https://",
        "https:///app",
        "https://ada:pw@git.example/app",
        "https://ada@git.example/app",
        "ssh://git:pw@git.example/app",
        "ssh://-oProxyCommand=id/app",
        "ssh://-oProxyCommand=id@git.example/app",
        "https://git.example/a\nb",
        "https://git.example/a\x00b",
        "https://git.example/a b",
        "https://git.example/a%0ab",
        "https://git.example/a%00b",
        "https://g\u0456t.example/app",
        "https://git.example/\u202eapp",
        "https://git.example\\app",
        "https://git.example/app.git?private_token=pw",
        "https://git.example/app.git#pw",
        "ssh://git@git.example/app.git?",
        "https://git.example/" + "a" * 2000,
        "",
    ],
)
def test_a_url_that_nobody_should_open_is_an_invalid_url(url: str) -> None:
    error = refused(url=url)
    assert error.reason is Reason.INVALID_URL
    assert "pw" not in error.message


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/app.git",
        "http://127.0.0.1:8080/app",
        "https://[::1]:8443/app",
        "ssh://git@git.example/app.git",
        "ssh://git.example:2222/~ada/app",
        "https://git.example/team/app@v2",
    ],
)
def test_a_url_with_an_admitted_scheme_passes_the_schema(url: str) -> None:
    assert specify(url=url).url == url


@pytest.mark.parametrize("field", ["interval", "timeout"])
@pytest.mark.parametrize(
    "value", ["0s", "-1m", "1y", "1e309", "1000000000h", "NaN", "999ms", "", "60", 60, 1e309, None, "8761h"]
)
def test_a_duration_that_makes_no_sense_is_an_invalid_spec(field: str, value: Any) -> None:
    error = refused(**{field: value})
    assert error.reason is Reason.INVALID_SPEC
    assert error.message.startswith(f"spec.{field}: ")


def test_faults_of_several_fields_are_one_invalid_spec_that_names_them_all() -> None:
    error = refused(url="file:///srv", path="/etc", ref={"branch": ".."}, interval="0s")
    assert error.reason is Reason.INVALID_SPEC
    assert all(f"spec.{field}: " in error.message for field in ("url", "path", "ref.branch", "interval"))
