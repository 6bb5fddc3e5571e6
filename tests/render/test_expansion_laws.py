"""What a commit may make of its bytes: what is kept and done grows with what was written, whatever aliases say."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from towline.errors import BuildError, SourceError, TowlineError
from towline.model import Manifest
from towline.render import documents, plain
from towline.render.cache import Cache
from towline.render.documents import YamlLimits
from towline.render.rendered import Reading

MEBIBYTE = 1024**2
LIMITS = YamlLimits()

Files = Mapping[str, str]


def configmap(name: str, data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n{data}"


def bomb(levels: int, first: str = "{x: 1}") -> str:
    """Return maps of lists of ten aliases each, every one of the level above it."""
    lines = (f"  a{each}: &a{each} [{', '.join([f'*a{each - 1}'] * 10)}]\n" for each in range(1, levels + 1))
    return f"  a0: &a0 {first}\n" + "".join(lines)


def many_documents(count: int) -> Files:
    return {"all.yaml": "---\n".join(configmap(f"c{each}", bomb(6)) for each in range(count))}


def just_allowed(count: int) -> Files:
    """Return files each of which is within its own bounds."""
    return {f"f{each}.yaml": configmap(f"c{each}", bomb(5)) for each in range(count)}


def small_files(count: int) -> Files:
    return {f"f{each}.yaml": configmap(f"c{each}", bomb(6)) for each in range(count)}


def merges(count: int) -> Files:
    base = "  base: &base {" + ", ".join(f"key{each}: value" for each in range(200)) + "}\n"
    return {
        "all.yaml": configmap("c", base + "".join(f"  m{each}: {{<<: *base}}\n" for each in range(count)))
    }


def merges_of_merges(count: int) -> Files:
    lines = [
        f"  m{each}: &m{each} {{<<: *m{each - 1}, k{each}: [*m{each - 1}]}}\n" for each in range(1, count)
    ]
    return {"all.yaml": configmap("c", "  m0: &m0 {x: y}\n" + "".join(lines))}


def keys(count: int) -> Files:
    lines = (f"  m{each}: {{*long : x, {each}: *long}}\n" for each in range(count))
    return {"all.yaml": configmap("c", f"  long: &long {5000 * 'k'}\n" + "".join(lines))}


def strings(count: int) -> Files:
    return {"all.yaml": configmap("c", f'  s: &s "{5000 * chr(7).join("ab")}"\n  l: [{"*s, " * count}]\n')}


def items(count: int) -> Files:
    shared = "{a: " + 5000 * "x" + "}"
    first = f"- metadata: {{name: first}}\n  data: &shared {shared}\n"
    more = "".join(f"- metadata: {{name: n{each}}}\n  data: *shared\n" for each in range(count))
    return {"all.yaml": f"apiVersion: v1\nkind: ConfigMapList\nitems:\n{first}{more}"}


def long_kinds(count: int) -> Files:
    named = "".join(f"- metadata: {{name: n{each}}}\n" for each in range(count))
    return {"all.yaml": f"apiVersion: v1\nkind: {500 * 'X'}List\nitems:\n{named}"}


def longer_kinds(count: int) -> Files:
    named = "".join(f"- metadata: {{name: n{each}}}\n" for each in range(count))
    return {"all.yaml": f"apiVersion: v1\nkind: {20_000 * 'X'}List\nitems:\n{named}"}


def same_item(count: int) -> Files:
    large = f"- &one {{metadata: {{name: n}}, data: {{a: {5000 * 'x'}}}}}\n"
    return {"all.yaml": f"apiVersion: v1\nkind: ConfigMapList\nitems:\n{large}" + count * "- *one\n"}


def long_directives(count: int) -> Files:
    """Return objects whose directives are long and shared."""
    head = "apiVersion: v1\nkind: ConfigMapList\nitems:\n"
    first = f"- metadata: {{name: first, annotations: &shared {{towline.dev/x: {3000 * 'x'}}}}}\n"
    more = (f"- metadata: {{name: n{each}, annotations: *shared}}\n" for each in range(count))
    return {"all.yaml": head + first + "".join(more)}


def nulls(count: int) -> Files:
    return {"all.yaml": configmap("c", f"  n: &n [{'~, ' * 500}]\n  l: [{'*n, ' * count}]\n")}


def mistakes(count: int) -> Files:
    return {f"f{each}.yaml": configmap(f"c{each}", "  a: 1\n  a: 2\n") for each in range(count)}


def honest(count: int) -> Files:
    return {f"f{each}.yaml": configmap(f"c{each}", "  a: &a some text\n  b: *a\n") for each in range(count)}


def one_file(count: int) -> Files:
    return {"all.yaml": "---\n".join(configmap(f"c{each}", "  a: b\n") for each in range(count))}


SHAPES: tuple[Callable[[int], Files], ...] = (
    many_documents,
    just_allowed,
    small_files,
    merges,
    merges_of_merges,
    keys,
    strings,
    items,
    same_item,
    long_kinds,
    longer_kinds,
    long_directives,
    nulls,
    mistakes,
    honest,
    one_file,
)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


def written(files: Files) -> int:
    return sum(len(text.encode()) for text in files.values())


async def render(cache: Cache, files: Files) -> tuple[Manifest, ...] | TowlineError:
    blobs = {hashlib.sha256(text.encode()).hexdigest(): text.encode() for text in files.values()}
    listed = [
        (path, hashlib.sha256(text.encode()).hexdigest(), len(text.encode())) for path, text in files.items()
    ]

    async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
        return {sha: blobs[sha] for sha in shas}

    try:
        return await cache.render(listed, read, Reading(LIMITS))
    except (BuildError, SourceError) as error:
        return error.with_traceback(None)


def kept(cache: Cache, files: Files) -> tuple[int, int]:
    """Return the bytes that rendering leaves in memory, and those that it needed meanwhile."""
    gc.collect()
    tracemalloc.start()
    try:
        outcome = asyncio.run(render(cache, files))
        gc.collect()
        left, peak = tracemalloc.get_traced_memory()
        assert outcome
    finally:
        tracemalloc.stop()
    return left, peak


@shapes
def test_what_is_kept_of_a_commit_grows_with_its_bytes(shape: Callable[[int], Files]) -> None:
    files = shape(100)
    size = written(files)
    cache = Cache()
    left, peak = kept(cache, files)
    assert cache.weight <= 10 * size + 12 * MEBIBYTE + 1200 * 100
    assert left <= 1.5 * cache.weight + 64 * 1024, "the cache weighs less than it keeps"
    assert peak <= 100 * size + 64 * MEBIBYTE


@shapes
def test_what_is_done_with_a_file_grows_with_its_bytes(shape: Callable[[int], Files]) -> None:
    def work(count: int) -> int:
        """Return how many functions were called to read all files."""
        calls = 0

        def count_call(_frame: Any, event: str, _arg: Any) -> None:
            nonlocal calls
            calls += event in {"call", "c_call"}

        found = shape(count)
        sys.setprofile(count_call)
        try:
            for path, text in found.items():
                plain.manifests(path, "", text.encode(), LIMITS)
        finally:
            sys.setprofile(None)
        return calls

    assert work(40) <= 6 * work(10) + 5000


def test_one_commit_has_one_budget_for_all_its_files() -> None:
    assert not isinstance(asyncio.run(render(Cache(), just_allowed(8))), TowlineError)
    refused = asyncio.run(render(Cache(), just_allowed(40)))
    assert str(refused) == (
        "the commit declares objects with more JSON than ten times the size of its files and 8 MiB: "
        "use fewer aliases, or several GitRepositories"
    )


def test_an_object_that_can_never_be_applied_is_refused_before_it_is_expanded() -> None:
    padding = "#" * 600_000 + "\n"
    text = padding + configmap("huge", f"  a: &a {400_000 * 'x'}\n  b: [{'*a, ' * 9}]\n") + "---\n"
    manifests, failures = plain.manifests("a.yaml", "", (text + configmap("c", "  a: b\n")).encode(), LIMITS)
    assert [one.ref.name for one in manifests] == ["c"]
    ((reason, message, name, file, line),) = [
        (one.reason, one.message, one.object, one.file, one.line) for one in failures
    ]
    assert (reason, name, file, line) == ("TooLarge", "ConfigMap/huge", "a.yaml", 2)
    assert message == (
        "the object has 4000114 bytes of JSON, more than the 3 MiB that the API server takes: split it"
    )


def test_what_aliases_make_of_an_object_is_counted_to_the_byte() -> None:
    values = (
        '  a: &a {x: "ä\\"\\n\\a", y: [1, -2.5, true, ~, [], {}]}\n  b: [*a, {<<: *a, z: *a}]\n  c: [[*a]]\n'
    )
    (one,) = documents.parse(configmap("c", values).encode(), LIMITS)
    (manifest,), _ = plain.manifests("a.yaml", "", configmap("c", values).encode(), LIMITS)
    assert one.extents
    assert one.extents.of(one.value).size == len(manifest.content)
