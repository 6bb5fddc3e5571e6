"""What SOPS has encrypted is decrypted before a unit is built, and hidden wherever it lands."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pyrage
import pytest
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key
from towline.render.sops import keyring
from towline.render.units.built_units import Built
from towline.render.units.unit_settings import UnitSettings
from towline.render.variables.treatment import Treatment

from e2e.scenes import sops_files
from tests.render.units.trees import Yard, told

KEYS = keyring.keyring({"x.agekey": sops_files.PRIVATE.encode()}, "Secret team/age")
HOW = UnitSettings(treatment=Treatment(keys=KEYS), mark="keys", decryption_mark="keys")
LOGIN = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "login"},
    "stringData": {"password": "correct horse"},
}
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n"


def unit(text: str, **files: str) -> dict[str, str]:
    """Return a unit; the names of its files have `_` for their dot."""
    named = {f"app/{name.replace('_', '.')}": content for name, content in files.items()}
    return {"app/kustomization.yaml": text, **named}


def bodies(built: Built) -> dict[str, Any]:
    assert told(built) == []
    return {one.ref.kind: one.body for one in built.manifests}


def shown(built: Built) -> str:
    """Return the objects of a unit as records and rows show them."""
    hidden, key = HiddenValues(), Key("team", "app")
    hidden.learn(key, frozenset(), built.manifests)
    return json.dumps([Mask(b"k" * 32, hidden).masked(one.body) for one in built.manifests])


async def test_an_encrypted_resource_is_decrypted_whatever_of_it_is_encrypted(tmp_path: Path) -> None:
    for rule in ("", "^(data|stringData)$"):
        files = unit(
            "resources: [login.yaml]\nnamePrefix: a-\n", login_yaml=sops_files.yaml_file(LOGIN, rule)
        )
        built = await Yard(tmp_path).build(files, how=HOW)
        assert bodies(built)["Secret"]["data"] == {"password": base64.b64encode(b"correct horse").decode()}
        (manifest,) = built.manifests
        assert (manifest.ref.name, manifest.origin.file, manifest.origin.line) == (
            "a-login",
            "app/login.yaml",
            1,
        )


async def test_an_encrypted_patch_is_applied_and_hidden_by_its_field_whatever_its_length(
    tmp_path: Path,
) -> None:
    patch = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"colour": "ab", "url": "db://me:correct horse@db", "enabled": "yes"},
    }
    files = unit(
        "resources: [settings.yaml]\nnameSuffix: -x\npatches: [{path: patch.yaml}]\n",
        settings_yaml=SETTINGS,
        patch_yaml=sops_files.yaml_file(patch, "^data$"),
    )
    built = await Yard(tmp_path).build(files, how=HOW)
    assert bodies(built)["ConfigMap"]["data"] == patch["data"]
    text = shown(built)
    assert '"ab"' not in text
    assert '"yes"' not in text
    assert "correct horse" not in text


async def test_generators_get_decrypted_files_which_are_hidden_in_a_config_map_too(tmp_path: Path) -> None:
    config = sops_files.yaml_file({"pin": "12", "deep": {"flag": True}})
    files = unit(
        "configMapGenerator:\n- {name: open, envs: [app.env, other], files: [config.yaml]}\n"
        "secretGenerator:\n- {name: closed, envs: [app.env]}\n",
        app_env=sops_files.env_file({"TOKEN": "hunter two", "PIN": "123"}),
        other=sops_files.env_file({"OTHER": "swordfish"}),
        config_yaml=config,
    )
    built = await Yard(tmp_path).build(files, how=HOW)
    found = bodies(built)
    assert found["ConfigMap"]["data"]["TOKEN"] == "hunter two"
    assert found["ConfigMap"]["data"]["OTHER"] == "swordfish"
    assert found["ConfigMap"]["data"]["config.yaml"] == 'pin: "12"\ndeep:\n  flag: true\n'
    assert base64.b64decode(found["Secret"]["data"]["TOKEN"]) == b"hunter two"
    text = shown(built)
    for secret in ("hunter two", "swordfish", '"123"', "pin:"):
        assert secret not in text
    assert base64.b64encode(b"hunter two").decode() not in text


async def test_a_replacement_carries_no_decrypted_value_into_the_open(tmp_path: Path) -> None:
    replacement = (
        "resources: [login.yaml, settings.yaml]\nreplacements:\n"
        "- source: {kind: Secret, name: login, fieldPath: stringData.password}\n"
        "  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.colour]}]\n"
    )
    for password in ("ab", "correct horse"):
        login = {**LOGIN, "stringData": {"password": password}}
        files = unit(
            replacement, login_yaml=sops_files.yaml_file(login, "^stringData$"), settings_yaml=SETTINGS
        )
        built = await Yard(tmp_path).build(files, how=HOW)
        assert bodies(built)["ConfigMap"]["data"] == {"colour": password}
        assert f'"{password}"' not in shown(built)


async def test_a_decrypted_value_may_not_name_an_object(tmp_path: Path) -> None:
    replacement = (
        "resources: [login.yaml, settings.yaml]\nreplacements:\n"
        "- source: {kind: Secret, name: login, fieldPath: stringData.password}\n"
        "  targets: [{select: {kind: ConfigMap}, fieldPaths: [metadata.name]}]\n"
    )
    login = {**LOGIN, "stringData": {"password": "correct-horse"}}
    files = unit(replacement, login_yaml=sops_files.yaml_file(login, "^stringData$"), settings_yaml=SETTINGS)
    (failure,) = told(await Yard(tmp_path).build(files, how=HOW))
    assert "a value that was encrypted lands in name" in failure
    assert "correct" not in failure
    named = {**LOGIN, "metadata": {"name": "same-name"}, "stringData": {"user": "same-name"}}
    files = unit("resources: [login.yaml]\n", login_yaml=sops_files.yaml_file(named))
    assert bodies(await Yard(tmp_path).build(files, how=HOW))["Secret"]["metadata"] == {"name": "same-name"}


async def test_a_component_may_hold_encrypted_files(tmp_path: Path) -> None:
    files = unit("resources: [settings.yaml]\ncomponents: [../more]\n", settings_yaml=SETTINGS) | {
        "more/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "resources: [x.yaml]\n",
        "more/x.yaml": sops_files.yaml_file(LOGIN),
    }
    assert set(bodies(await Yard(tmp_path).build(files, how=HOW))) == {"ConfigMap", "Secret"}


async def test_nothing_is_decrypted_where_the_spec_does_not_ask_for_it(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = unit(
        "resources: [login.yaml]\nsecretGenerator: [{name: x, envs: [app.env]}]\n",
        login_yaml=sops_files.yaml_file(LOGIN),
        app_env=sops_files.env_file({"A": "b"}),
    )
    first, second = sorted(told(await yard.build(files)))
    words = ":1: encrypted by SOPS, and spec.decryption is not set"
    assert first.startswith(f"app/app.env{words}")
    assert second.startswith(f"app/login.yaml{words}")
    assert yard.children == 0
    assert (
        len(bodies(await yard.build({**files, "app/app.env": sops_files.env_file({"A": "b"})}, how=HOW))) == 1
    )


@pytest.mark.parametrize("damage", ["key", "mac"])
async def test_a_wrong_key_and_a_wrong_code_are_named_with_file_and_line(tmp_path: Path, damage: str) -> None:
    text = sops_files.yaml_file(LOGIN, "^stringData$")
    other = keyring.keyring({"x.agekey": str(pyrage.x25519.Identity.generate()).encode()}, "Secret team/age")
    keys, words = (other, "no key in Secret team/age") if damage == "key" else (KEYS, "wrong MAC")
    if damage == "mac":
        text = text.replace("name: login", "name: other")
    how = UnitSettings(treatment=Treatment(keys=keys), mark=damage, decryption_mark=damage)
    yard = Yard(tmp_path)
    (failure,) = told(await yard.build(unit("resources: [login.yaml]\n", login_yaml=text), how=how))
    file, line, message = failure.split(":", 2)
    assert file == "app/login.yaml"
    assert text.splitlines()[int(line) - 1].strip().startswith("age:" if damage == "key" else "mac:")
    assert words in message
    assert yard.children == 0


async def test_a_file_that_only_quotes_an_encrypted_value_is_a_file_like_others(tmp_path: Path) -> None:
    script = "#!/bin/sh\ngrep 'ENC[AES256_GCM,data:' \"$1\" && echo 'sops: encrypted'\n\tx: y: z\n"
    files = unit("configMapGenerator: [{name: x, files: [run.sh]}]\n", run_sh=script)
    for how in (HOW, None):
        assert bodies(await Yard(tmp_path).build(files, how=how))["ConfigMap"]["data"] == {"run.sh": script}


async def test_what_kustomize_says_quotes_no_decrypted_value(tmp_path: Path) -> None:
    patch = {**LOGIN, "metadata": {"name": "correct-horse-staple"}}
    files = unit(
        "resources: [settings.yaml]\npatches: [{path: patch.yaml}]\n",
        settings_yaml=SETTINGS,
        patch_yaml=sops_files.yaml_file(patch),
    )
    (failure,) = told(await Yard(tmp_path).build(files, how=HOW))
    assert "no resource matches" in failure or "no matches" in failure
    assert "correct" not in failure


async def test_other_keys_build_again_and_the_same_do_not(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = unit("resources: [login.yaml]\n", login_yaml=sops_files.yaml_file(LOGIN))
    first, again = await yard.build(files, how=HOW), await yard.build(files, how=HOW)
    assert first.manifests == again.manifests
    assert yard.children == 1
    other = keyring.keyring({"x.agekey": str(pyrage.x25519.Identity.generate()).encode()})
    changed = UnitSettings(treatment=Treatment(keys=other), mark="b", decryption_mark="b")
    assert len(told(await yard.build(files, how=changed))) == 1


async def test_nothing_decrypted_is_left_behind(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = unit("resources: [login.yaml]\n", login_yaml=sops_files.yaml_file(LOGIN))
    await yard.build(files, how=HOW)
    assert yard.is_clean


async def test_a_kustomization_must_be_plain_and_an_encrypted_path_names_nothing(tmp_path: Path) -> None:
    listed: dict[str, Any] = {"resources": ["login.yaml"]}
    yard = Yard(tmp_path)
    (whole,) = told(await yard.build({"app/kustomization.yaml": sops_files.yaml_file(listed)}, how=HOW))
    assert "a kustomization cannot be encrypted itself: encrypt the files that it names" in whole
    transformer = {
        "apiVersion": "builtin",
        "kind": "PatchTransformer",
        "metadata": {"name": "x"},
        "path": "/etc/hostname",
    }
    files = unit(
        "resources: [settings.yaml]\ntransformers: [t.yaml]\n",
        settings_yaml=SETTINGS,
        t_yaml=sops_files.yaml_file(transformer, "^path$"),
    )
    (failure,) = told(await yard.build(files, how=HOW))
    assert "is not in this commit" in failure
    assert yard.children == 0


async def test_all_objects_of_a_unit_share_what_they_hide(tmp_path: Path) -> None:
    config = {f"key{number}": f"secret value {number}" for number in range(500)}
    names = [f"map-{number}" for number in range(50)]
    maps = "---\n".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n" for name in names)
    files = unit(
        "resources: [maps.yaml]\nconfigMapGenerator: [{name: made, envs: [app.env]}]\n",
        maps_yaml=maps,
        app_env=sops_files.env_file(config),
    )
    built = await Yard(tmp_path).build(files, how=HOW)
    assert told(built) == []
    hidden = [one.hidden.texts for one in built.manifests if one.hidden]
    assert len(hidden) == 51
    assert len({id(texts) for texts in hidden}) == 1
