"""Plain manifests, kustomizations and values of charts whose files take the sops binary."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click.testing
import pytest
from towline.cli.render import render
from towline.errors import BuildError, CostlyBuildError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key, Manifest
from towline.render.cache import Cache
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.rendered import Reading
from towline.render.sops import keyring, sops_binary
from towline.render.sops.keyring import Keyring
from towline.render.units.unit_settings import UnitSettings
from towline.render.variables.treatment import Treatment
from towline.shares.pools import Pools

from tests.render.helm import yard as chart_yard
from tests.render.helm.charts import SETTINGS, chart
from tests.render.kubectl import KUBECTL
from tests.render.sops import sops_cli
from tests.render.sops.test_provider_keys import ARN, AWS, VALUE
from tests.render.sops.test_sops_binary import AGE, PUBLIC
from tests.render.units.trees import Yard, told

LOGIN = """apiVersion: v1
kind: Secret
metadata:
  name: login
stringData:
  pin: "99"
  password: correct horse
"""
REFUSES = "#!/bin/sh\necho 'Group 0: FAILED no answer' >&2\nexit 128\n"


def sealed(text: str) -> str:
    """Return a file that Python does not decrypt, and its key of age does."""
    rule = {"age": PUBLIC, "encrypted_regex": "^(stringData|secret)$", "mac_only_encrypted": True}
    return sops_cli.encrypted_by_a_rule(text, rule).decode()


def keys(folder: Path, secret: Mapping[str, bytes] = AGE, script: str = "") -> Keyring:
    binary = sops_cli.binary()
    if script:
        binary = folder / "sops"
        binary.write_text(script)
        binary.chmod(0o755)
    jail = Jail(folder / "openings", Pools.here())
    return keyring.keyring(secret, "Secret team/keys").through(sops_binary.find(jail, str(binary)))


def shown(manifests: Iterable[Manifest]) -> str:
    """Return objects as records and rows show them."""
    hidden, key = HiddenValues(), Key("team", "app")
    hidden.learn(key, frozenset(), manifests)
    return json.dumps([Mask(b"k" * 32, hidden).masked(one.body) for one in manifests])


async def plain(cache: Cache, text: str, given: Keyring) -> tuple[Manifest, ...]:
    async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
        return dict.fromkeys(shas, text.encode())

    how = Reading(YamlLimits(), Treatment(keys=given), "keys")
    return await cache.render([("login.yaml", "blob", len(text))], read, how)


async def test_a_plain_manifest_is_decrypted_and_hidden(tmp_path: Path) -> None:
    (login,) = await plain(Cache(), sealed(LOGIN), keys(tmp_path))
    assert base64.b64decode(login.body["data"]["password"]) == b"correct horse"
    assert [each for each in ("correct horse", "99", "OTk=", "Y29ycmVjd") if each in shown([login])] == []
    assert login.origin.line == 1


async def test_what_a_provider_did_not_answer_is_asked_again(tmp_path: Path) -> None:
    cache = Cache()
    text = f"a: {VALUE}\nsops:\n  kms: [{{arn: '{ARN['arn']}'}}]\n  mac: {VALUE}\n  lastmodified: x\n"
    for words in ("no answer", "out of order"):
        with pytest.raises(CostlyBuildError) as caught:
            await plain(cache, text, keys(tmp_path, AWS, REFUSES.replace("no answer", words)))
        (failure,) = caught.value.failures
        assert (failure.file, failure.line) == ("login.yaml", 1)
        assert failure.message == f"AWS KMS does not open it: {words}"


async def test_what_no_key_opens_is_refused_at_the_map_of_sops(tmp_path: Path) -> None:
    text = f"a: {VALUE}\nsops:\n  kms: [{{arn: '{ARN['arn']}'}}]\n  mac: {VALUE}\n  lastmodified: x\n"
    with pytest.raises(BuildError) as caught:
        await plain(Cache(), text, keys(tmp_path))
    assert not isinstance(caught.value, CostlyBuildError)
    (failure,) = caught.value.failures
    assert "no key in Secret team/keys (spec.decryption.secretRef) opens it" in failure.message
    assert failure.field == "/sops"


async def test_what_a_kustomization_reads_is_decrypted_and_hidden(tmp_path: Path) -> None:
    files = {
        "app/kustomization.yaml": "resources: [login.yaml]\nnamePrefix: a-\n",
        "app/login.yaml": sealed(LOGIN),
    }
    how = UnitSettings(treatment=Treatment(keys=keys(tmp_path)), mark="keys", decryption_mark="keys")
    yard = Yard(tmp_path)
    built = await yard.build(files, how=how)
    assert told(built) == []
    (login,) = built.manifests
    assert base64.b64decode(login.body["data"]["password"]) == b"correct horse"
    assert "correct horse" not in shown([login])
    assert yard.is_clean
    assert list((tmp_path / "openings").iterdir()) == []


async def test_a_unit_whose_file_a_provider_did_not_open_is_built_at_the_next_try(tmp_path: Path) -> None:
    text = f"a: {VALUE}\nsops:\n  kms: [{{arn: '{ARN['arn']}'}}]\n  mac: {VALUE}\n  lastmodified: x\n"
    files = {"app/kustomization.yaml": "resources: [login.yaml]\n", "app/login.yaml": text}
    treatment = Treatment(keys=keys(tmp_path, AWS, REFUSES))
    how = UnitSettings(treatment=treatment, mark="keys", decryption_mark="keys")
    built = await Yard(tmp_path).build(files, how=how)
    assert told(built) == ["app/login.yaml:1: AWS KMS does not open it: no answer"]
    assert built.is_costly


async def test_values_of_a_chart_are_decrypted_and_hidden(tmp_path: Path) -> None:
    files = {
        **chart(templates__s_yaml=SETTINGS),
        "secrets.yaml": sealed("secret: {password: correct horse}\n"),
    }
    treatment = Treatment(keys=keys(tmp_path))
    given = chart_yard.options({"valuesFiles": ["secrets.yaml"]}, treatment=treatment, mark="keys")
    found = await chart_yard.Yard(tmp_path).charts(files, given)
    assert chart_yard.told(found) == []
    (one,) = found.built.manifests
    assert json.loads(one.body["data"]["all"]) == {"secret": {"password": "correct horse"}}
    assert "correct horse" not in shown([one])


def test_the_command_line_decrypts_with_keys_named_as_in_the_secret(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "login.yaml").write_text(sealed(LOGIN))
    key = tmp_path / "identity.agekey"
    key.write_bytes(AGE["identity.agekey"])
    flags = [str(folder), "-o", "json", "--kustomize", str(KUBECTL), "--decryption-key", str(key)]
    run = click.testing.CliRunner().invoke
    found = run(render, [*flags, "--sops", str(sops_cli.binary())])
    assert found.stderr == ""
    assert json.loads(found.stdout)["object"]["data"]["pin"] == base64.b64encode(b"99").decode()
    without = run(render, [*flags, "--sops", str(tmp_path / "absent")])
    assert without.exit_code == 1
    assert "login.yaml:8: sops.mac_only_encrypted, which takes the sops binary" in without.stderr
