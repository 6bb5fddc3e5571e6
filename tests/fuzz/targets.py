"""The parsers that read what others write, each with the errors that it may raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from towline.api import expressions, ignoring, labels, versions
from towline.api.helm_spec import set_syntax
from towline.api.helm_spec.set_syntax import SetSyntaxError
from towline.errors import SourceError, SpecError
from towline.fields import additions, coowners, edited_items, managed, owned_paths, pointer, server_paths
from towline.model import ObjectRef, Origin
from towline.plan import ignore_fields
from towline.render import documents, plain
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.helm import chart_dependencies, chart_facts
from towline.render.helm.chart_files import ChartFiles
from towline.render.helm.template_text import TemplateLines
from towline.render.links import Listing
from towline.render.marks import attribution, edits, finding, marking, site_versions
from towline.render.marks.attribution import Attribution
from towline.render.marks.places import SiteLines
from towline.render.marks.site_versions import FileVersion
from towline.render.sops import decryption, keyring
from towline.render.sops.decryption import DecryptionError
from towline.render.units import exploration, inputs, remote_address
from towline.render.units.remote_address import AddressError
from towline.render.units.unit_files import UnitFiles
from towline.render.variables import substitution
from towline.render.variables.substitution import Substitution, Types
from towline.source import history, listing, pull_requests, refs
from towline.source.authorship import steps
from towline.source.exclusion import Exclusion
from towline.source.helm_charts import chart_archive, helm_repository
from towline.source.helm_charts.chart_archive import ChartArchiveError
from towline.source.helm_charts.chart_name import ChartName, ChartNameError
from towline.source.selection import Entry, Kind
from towline.source.trees import tree_objects

from tests.fuzz import corpus

OURS = "towline:shop/app"
LIMITS = YamlLimits()
SOPS = Path(__file__).parents[1] / "render" / "sops"
BODY: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "X",
    "metadata": {"name": "a", "finalizers": ["x"], "annotations": {"a/b": "c"}},
    "spec": {
        "containers": [
            {"name": "main", "ports": [{"containerPort": 80}], "env": [{"name": "x", "value": "y"}]}
        ],
        "list": [1, [1], "a", {"name": "n1", "value": "x"}, {"name": "n2"}],
    },
    "data": {"bad.key 0!": "x", "~x": "y"},
}
KUSTOMIZED = ("a/kustomization.yaml", "a/x.yaml")
FILES = ("a.yaml", "secrets/x.yaml", "docs/a/b/xaybz.yaml", "keep.bak", "a/test/b/c.json", "acb.yaml", "#x")


class Target(NamedTuple):
    """One parser: what it is called, how it is called, valid inputs, and the errors it may raise."""

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    errors: tuple[type[Exception], ...] = ()


def yaml_file(content: bytes) -> object:
    """Read a file, and the lines of the fields that it declares."""
    manifests, failures = plain.manifests("a.yaml", "", content, LIMITS)
    assert all(one.line for one in failures)
    fields = [(one.origin.document, one.origin.item, "/metadata/name") for one in manifests]
    return manifests, failures, documents.locate_all(content, fields) if not failures else ()


def chart(content: bytes) -> object:
    """Read every file of a chart with another one in it."""
    folders = ("", "charts/db/")
    names = ("Chart.yaml", "values.yaml", "values.schema.json", "templates/x.yaml")
    files = {f"{folder}{name}": content for folder in folders for name in names}
    entries = {path: Entry(path=path, mode="100644", kind=Kind.FILE, sha=path, size=1) for path in files}
    found = chart_facts.read(ChartFiles("", entries, ()), files)
    assert all(one.file and one.message for one in found.failures)
    lines = TemplateLines(content)
    return found, lines.declaring("ConfigMap", 0, 1), lines.field(("data", "a"), 1)


def set_values(content: bytes) -> object:
    """Set values by text, as helm's command line does."""
    text = content.decode("utf-8", "replace")
    return [set_syntax.applied(text, {"a": {"b": [1]}}, texts_only=strict) for strict in (False, True)]


def kustomization(content: bytes) -> object:
    """Follow what a kustomization names in a tree of one more file."""
    marker, other = (Entry(path=path, mode="100644", kind=Kind.FILE, sha=path, size=1) for path in KUSTOMIZED)
    files = {path: inputs.parsed(path, content, LIMITS) for path in KUSTOMIZED}
    found = exploration.explore("a", Listing((marker, other), {}), files)
    assert all(one.file and one.message for one in found.failures)
    return found


def traced(content: bytes) -> object:
    """Mark and replay what a kustomization reads, and look for its sites in another version."""
    files = {path: inputs.parsed(path, content, LIMITS) for path in KUSTOMIZED}
    contents, names = dict.fromkeys(files, content), {path: path for path in files}
    unit = UnitFiles(folder="a", contents=contents, parsed=files, names=names, rewritten={})
    sites = finding.sites(unit)
    marks = marking.marking(unit, sites)
    copies = edits.copies(unit, marks.edits)
    made = tuple(each.value for each in files["a/x.yaml"].documents)
    replay = Attribution(unit=unit, sites=sites, marking=marks, marked=made)
    lines, version = SiteLines(unit), FileVersion(copies["a/x.yaml"], LIMITS)
    found = [(lines.line(site), version.digest([site_versions.key_of(unit, site)])) for site in sites]
    fields = attribution.fields(BODY, Origin("a/x.yaml", 1, via=KUSTOMIZED[:1]))
    return found, [replay.candidates(each) for each in fields]


def pointers(content: bytes) -> object:
    lines = tuple(content.decode("utf-8", "replace").splitlines())[:20]
    given = [{"target": {"kind": "X"}, "fields": lines}]
    (manifest,), _ = plain.manifests("a.yaml", "", orjson.dumps(BODY), LIMITS)
    found = ignore_fields.ignored(manifest, ignoring.parse(given))
    sent = ignore_fields.sent(BODY, found, {**BODY, "metadata": {"managedFields": []}}, OURS)
    return list(ignoring.faults(given)), sent, [pointer.follow(BODY, each) for each in lines]


def directives(content: bytes) -> object:
    pairs = [line.partition("=") for line in content.decode("utf-8", "replace").splitlines()]
    named = {name: value for name, _, value in pairs}
    body = {**BODY, "metadata": {"name": "a", "annotations": named}}
    return plain.manifests("a.yaml", "", orjson.dumps(body), LIMITS), labels.parse_owner(
        content.decode("latin-1"), ObjectRef("", "ConfigMap", "team", "a")
    )


def exclusions(content: bytes) -> object:
    exclusion = Exclusion(content.decode("utf-8", "replace").splitlines()[:100])
    return [(exclusion.covers(file), exclusion.covers_folder(file)) for file in FILES]


def expression(content: bytes) -> object:
    text = content.decode("utf-8", "replace")[:1000]
    expressions.check(text)
    return expressions.holds(text, {name: BODY.get(name, {}) for name in expressions.VARIABLES})


def managed_fields(content: bytes) -> object:
    """Read an entry that somebody forged, or nothing where the API server would refuse it as no JSON."""
    try:
        tree = orjson.loads(content)
    except ValueError:
        return None
    if not _is_tree(tree):
        return None
    entries = [
        {"manager": OURS, "operation": "Apply", "fieldsV1": tree},
        {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": orjson.loads(corpus.FIELDS[0])},
        {"manager": "kubectl", "operation": "Update", "fieldsV1": tree},
    ]
    live = {**BODY, "metadata": {**BODY["metadata"], "managedFields": entries}}
    left = edited_items.left(BODY, live, OURS)
    return (
        additions.additions(live, OURS),
        left,
        edited_items.claimed(live, left, OURS),
        owned_paths.lost(BODY, content),
        coowners.folded(entries, OURS),
        managed.finalizers(live),
    )


def _is_tree(node: object) -> bool:
    return isinstance(node, dict) and all(map(_is_tree, node.values()))


def server_path(content: bytes) -> object:
    found = server_paths.to_pointer(content.decode("utf-8", "replace"), BODY)
    return found, server_paths.without(BODY, found)


def variables(content: bytes) -> object:
    """Fill values into an object; both are what somebody wrote."""
    text, _, value = content.decode("utf-8", "replace").partition("\0")
    values = dict.fromkeys(("A", "B", "C"), value)
    body = {"a": text, "b": [text[:100]], text[:100]: "x"}
    found = [
        substitution.substituted(body, Substitution(values=values, strict=strict, types=types))
        for strict in (True, False)
        for types in Types
    ]
    return [len(orjson.dumps(filled)) for filled, _ in found]


def sops_file(content: bytes) -> object:
    """Decrypt a file that SOPS has encrypted, and that somebody changed since."""
    read = documents.parse(content, LIMITS)
    keys = keyring.keyring({"x.agekey": (SOPS / "private.agekey").read_bytes()})
    return decryption.decrypt([each.value for each in read], keys).documents


CHART = ChartName(repository="https://h.example/charts", name="web", version="1.2.3")


def needed_charts(content: bytes) -> object:
    lock = content.replace(b"^1.2", b"1.2.3")
    found = chart_dependencies.needed({"Chart.yaml": content, "Chart.lock": lock}, {"present"})
    assert all(one.file and one.message for one in found.failures)
    return found


TARGETS = (
    Target(
        "remote_addresses",
        lambda text: remote_address.parse(text.decode("utf-8", "replace")),
        corpus.ADDRESSES,
        (AddressError,),
    ),
    Target(
        "chart_index",
        lambda text: helm_repository._listed(text, CHART),
        corpus.INDEXES,
        (SourceError, ChartNameError),
    ),
    Target("chart_archive", chart_archive.unpack, corpus.ARCHIVES, (ChartArchiveError,)),
    Target("chart_dependencies", needed_charts, corpus.DEPENDENCIES),
    Target("chart", chart, corpus.CHARTS),
    Target("set_syntax", set_values, corpus.SETTINGS, (SetSyntaxError,)),
    Target("advertisement", refs.advertised, corpus.ADVERTISEMENTS, (ValueError,)),
    Target("ls_remote", refs.listed, corpus.LISTINGS),
    Target("ls_tree", lambda text: listing.entries(text, "a"), corpus.TREES, (ValueError,)),
    Target("trees", tree_objects.trees, corpus.TREE_OBJECTS, (ValueError,)),
    Target("cat_file", listing.blobs, corpus.BATCHES, (ValueError,)),
    Target("cat_file_check", listing.checks, corpus.CHECKS, (ValueError,)),
    Target(
        "blame",
        lambda text: steps.steps(text, (("a" * 40, "b" * 40), ("b" * 40,))),
        corpus.STEPS,
        (ValueError,),
    ),
    Target("ancestry", steps.ancestry, corpus.ANCESTRIES, (ValueError,)),
    Target("log", history.parse, corpus.LOGS, (ValueError,)),
    Target(
        "message", lambda text: pull_requests.pull_request(text.decode("utf-8", "replace")), corpus.MESSAGES
    ),
    Target("yaml", yaml_file, corpus.YAMLS),
    Target("kustomization", kustomization, corpus.KUSTOMIZATIONS),
    Target("traced", traced, corpus.KUSTOMIZATIONS),
    Target("variables", variables, corpus.VARIABLES),
    Target(
        "sops",
        sops_file,
        tuple((SOPS / "files" / name).read_bytes() for name in ("types.yaml", "joined.yaml", "object.json")),
        (DecryptionError, DocumentErrors),
    ),
    Target("pointers", pointers, corpus.POINTERS),
    Target("server_paths", server_path, corpus.SERVER_PATHS),
    Target("managed_fields", managed_fields, corpus.FIELDS),
    Target("annotations", directives, corpus.ANNOTATIONS),
    Target("exclusions", exclusions, corpus.EXCLUSIONS, (SpecError,)),
    Target("expressions", expression, corpus.EXPRESSIONS, (expressions.ExpressionError,)),
    Target(
        "ranges",
        lambda text: versions.parse_range(text.decode("latin-1")[:500]),
        corpus.RANGES,
        (ValueError,),
    ),
)
