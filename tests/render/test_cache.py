"""Many files at once: parsed once, in order, with every fault of every file."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import tracemalloc
from collections.abc import Mapping, Sequence

import pytest
from towline.errors import BuildError, Reason, SourceError
from towline.model import Manifest
from towline.render.cache import Cache, File
from towline.render.documents import YamlLimits
from towline.render.rendered import Reading


def configmap(name: str, value: str = "x") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value}}}\n"


class Repository:
    """Files by path, and a record of what was read of them."""

    def __init__(self, **files: str) -> None:
        self.blobs = {hashlib.sha1(text.encode()).hexdigest(): text.encode() for text in files.values()}  # noqa: S324  as Git does
        self.files: list[File] = [
            (path, hashlib.sha1(text.encode()).hexdigest(), len(text.encode()))  # noqa: S324  the same
            for path, text in files.items()
        ]
        self.read_blobs: list[str] = []
        self.batches: list[int] = []
        self.was_read = asyncio.Event()

    async def read(self, shas: Sequence[str]) -> Mapping[str, bytes]:
        """Return blobs as the Git door does, after letting others run."""
        await asyncio.sleep(0)
        self.read_blobs.extend(shas)
        self.batches.append(sum(len(self.blobs[sha]) for sha in shas))
        self.was_read.set()
        return {sha: self.blobs[sha] for sha in shas}


async def render(
    cache: Cache, repository: Repository, limits: YamlLimits | None = None
) -> tuple[Manifest, ...]:
    return await cache.render(repository.files, repository.read, Reading(limits or YamlLimits()))


async def test_manifests_come_in_the_byte_order_of_their_paths() -> None:
    names = ["b.yaml", "a/z.yaml", "a.yaml", "ä.yaml", "B.yaml", "a-b.yaml"]
    repository = Repository(**{name: configmap(f"n{index}") for index, name in enumerate(names)})
    found = await render(Cache(), repository)
    assert [one.origin.file for one in found] == sorted(names, key=str.encode)


async def test_a_blob_that_was_parsed_once_is_neither_read_nor_parsed_again() -> None:
    cache, repository = Cache(), Repository(a=configmap("a"), b=configmap("b"))
    first = await render(cache, repository)
    again = await render(cache, repository)
    assert len(repository.read_blobs) == 2
    assert all(one is other for one, other in zip(first, again, strict=True))


async def test_only_what_changed_is_read() -> None:
    cache = Cache()
    before = Repository(a=configmap("a"), b=configmap("b"), c=configmap("c"))
    after = Repository(a=configmap("a"), b=configmap("b", "new"), c=configmap("c"))
    old = await render(cache, before)
    new = await render(cache, after)
    assert after.read_blobs == [after.files[1][1]]
    assert [one is other for one, other in zip(old, new, strict=True)] == [True, False, True]


async def test_a_file_that_was_renamed_is_not_read_and_says_its_new_name() -> None:
    cache = Cache()
    (before,) = await render(cache, Repository(old=configmap("a")))
    renamed = Repository(new=configmap("a"))
    (after,) = await render(cache, renamed)
    assert renamed.read_blobs == []
    assert (before.origin.file, after.origin.file) == ("old", "new")
    assert after.content is before.content
    assert (await render(cache, renamed))[0] is after


async def test_the_same_content_in_two_files_is_read_once_and_declared_twice() -> None:
    repository = Repository(a=configmap("a"), b=configmap("a"))
    found = await render(Cache(), repository)
    assert [one.origin.file for one in found] == ["a", "b"]
    assert len(repository.read_blobs) == 1


async def test_two_repositories_that_ask_at_once_share_what_was_parsed() -> None:
    cache = Cache()
    first, second = Repository(a=configmap("a")), Repository(a=configmap("a"))
    (one,), (other,) = await asyncio.gather(render(cache, first), render(cache, second))
    assert one is other


async def test_every_fault_of_every_file_is_reported_and_the_first_one_named() -> None:
    repository = Repository(
        good=configmap("a"), b="a: [\n---\nkind: x\nmetadata: {name: b, uid: c}", a="\n\nx: 1\nx: 2"
    )
    with pytest.raises(
        BuildError, match=r"^a:4: the key \"x\" is in line 3 already: remove one of them \(and 3 more\)$"
    ) as error:
        await render(Cache(), repository)
    assert [(one.file, one.line) for one in error.value.failures] == [("a", 4), ("b", 2), ("b", 3), ("b", 4)]
    assert error.value.reason == Reason.BUILD_FAILED


async def test_a_broken_file_is_remembered_too_under_each_of_its_names() -> None:
    cache, repository, renamed = Cache(), Repository(a="x: ["), Repository(b="x: [")
    for known, name in ((repository, "a"), (repository, "a"), (renamed, "b")):
        with pytest.raises(BuildError) as error:
            await render(cache, known)
        assert [one.file for one in error.value.failures] == [name]
    assert len(repository.read_blobs) == 1
    assert renamed.read_blobs == []


async def test_blobs_are_read_in_batches_of_bounded_size() -> None:
    padding = "#" * 200_000
    repository = Repository(**{f"{n:02}": f"{configmap(f'n{n}')}{padding}" for n in range(10)})
    assert len(await render(Cache(), repository)) == 10
    assert len(repository.batches) == 5
    assert max(repository.batches) < 512 * 1024


async def test_files_without_an_object_are_passed_over_on_request() -> None:
    cache = Cache()
    repository = Repository(
        **{"a.yaml": configmap("a"), "values.yaml": "replicas: 2\n", "board.json": '{"panels": []}'}
    )
    found = await cache.render(
        repository.files, repository.read, Reading(YamlLimits()), skip_non_manifests=True
    )
    assert [one.ref.name for one in found] == ["a"]
    with pytest.raises(BuildError) as error:
        await render(cache, repository)
    assert [failure.file for failure in error.value.failures] == ["board.json", "values.yaml"]


async def test_a_stray_document_among_objects_and_half_an_object_are_never_passed_over() -> None:
    repository = Repository(
        **{"a.yaml": f"{configmap('a')}---\nreplicas: 2\n", "b.yaml": "kind: ConfigMap\n"}
    )
    with pytest.raises(BuildError) as error:
        await Cache().render(
            repository.files, repository.read, Reading(YamlLimits()), skip_non_manifests=True
        )
    assert {failure.file for failure in error.value.failures} == {"a.yaml", "b.yaml"}


async def test_too_many_objects_are_refused_before_all_of_them_are_read() -> None:
    padding = "#" * 300_000
    repository = Repository(**{f"{n:02}": f"{configmap(f'n{n}')}{padding}" for n in range(10)})
    with pytest.raises(SourceError, match="more than 3 objects") as error:
        await render(Cache(), repository, YamlLimits(objects=3))
    assert error.value.reason == Reason.SOURCE_TOO_LARGE
    assert len(repository.read_blobs) == 5


@pytest.mark.parametrize(
    "text", [configmap("a", "x" * 300), configmap("a", '&x "' + "x" * 30 + '", b: [*x, *x, *x, *x, *x, *x]}')]
)
async def test_objects_of_too_much_json_are_refused_and_aliases_count_as_what_they_stand_for(
    text: str,
) -> None:
    cache, repository = Cache(), Repository(a=text.replace("}}", "}"))
    assert await render(cache, repository, YamlLimits(content_bytes=400))
    for fresh in (cache, Cache()):
        with pytest.raises(SourceError, match="objects of more than 200 bytes of JSON") as error:
            await render(fresh, repository, YamlLimits(content_bytes=200))
        assert error.value.reason == Reason.SOURCE_TOO_LARGE


async def test_small_files_are_parsed_while_a_large_one_is() -> None:
    cache = Cache()
    large = Repository(a="---\n".join(configmap(f"n{n}", "x" * 100) for n in range(6000)))
    begun = asyncio.Event()

    async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
        begun.set()
        return await large.read(shas)

    parsing = asyncio.create_task(cache.render(large.files, read, Reading(YamlLimits())))
    await begun.wait()
    await render(cache, Repository(b=configmap("b")))
    assert not parsing.done()
    assert len(await parsing) == 6000


async def test_a_small_file_waits_for_a_turn_and_not_for_the_end_of_many_large_ones() -> None:
    cache = Cache()
    larges = [
        Repository(a="---\n".join(configmap(f"r{number}n{n}", "x" * 100) for n in range(1000)))
        for number in range(5)
    ]
    parsing = [asyncio.create_task(render(cache, large)) for large in larges]
    for large in larges:
        await large.was_read.wait()
    await render(cache, Repository(b=configmap("b")))
    assert not any(task.done() for task in parsing)
    assert [len(await task) for task in parsing] == [1000] * 5


async def test_what_another_repository_gave_up_to_parse_is_parsed_all_the_same() -> None:
    cache = Cache()
    text = "---\n".join(configmap(f"n{n}", "x" * 100) for n in range(1000))
    first, second = Repository(a=text), Repository(a=text)
    gave_up = asyncio.create_task(render(cache, first))
    await first.was_read.wait()
    other = asyncio.create_task(render(cache, second))
    await second.was_read.wait()
    gave_up.cancel()
    assert len(await other) == 1000


async def test_too_many_objects_are_refused_also_when_they_are_remembered() -> None:
    cache, repository = Cache(), Repository(a=configmap("a"), b=configmap("b"))
    await render(cache, repository)
    with pytest.raises(SourceError):
        await render(cache, repository, YamlLimits(objects=1))


async def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    a, b, c = (Repository(**{name: configmap(name)}) for name in "abc")
    cache = Cache(limit_files=2)
    for repository in (a, b, a, c, a, b):
        await render(cache, repository)
    assert [len(one.read_blobs) for one in (a, b, c)] == [1, 2, 1]


async def test_the_bytes_that_are_remembered_are_bounded() -> None:
    cache = Cache(limit_bytes=1000)
    large = [Repository(**{str(n): configmap(f"n{n}", "x" * 500)}) for n in range(3)]
    for repository in (*large, *large):
        await render(cache, repository)
    assert [len(one.read_blobs) for one in large] == [2, 2, 2]


async def test_a_repository_larger_than_the_cache_is_rendered_all_the_same() -> None:
    repository = Repository(**{f"{n:02}": configmap(f"n{n}") for n in range(30)})
    cache = Cache(limit_files=3)
    assert len(await render(cache, repository)) == 30
    assert len(await render(cache, repository)) == 30


async def test_others_have_their_turn_while_a_large_file_is_parsed() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await render(Cache(), Repository(a="---\n".join(configmap(f"n{n}") for n in range(2000))))
    other.cancel()
    assert turns > 10


async def test_a_failure_to_read_passes_through_and_leaves_the_cache_usable() -> None:
    cache, repository = Cache(), Repository(a=configmap("a"))

    async def away(_: Sequence[str]) -> Mapping[str, bytes]:
        raise SourceError(Reason.GIT_UNAVAILABLE, "away")

    with pytest.raises(SourceError, match="away"):
        await cache.render(repository.files, away, Reading(YamlLimits()))
    assert len(await render(cache, repository)) == 1


async def test_what_newer_commits_replace_takes_no_more_memory_after_many_commits() -> None:
    cache, weights = Cache(), []
    before: list[File] = []
    for number in range(500):
        repository = Repository(**{f"{each}.yaml": configmap(f"n{each}", f"v{number}") for each in range(6)})
        await render(cache, repository)
        cache.outdate((path, blob) for path, blob, _ in before)
        before = repository.files
        weights.append(cache.weight)
    assert weights[200:] == [weights[200]] * 300


async def test_a_commit_that_goes_back_finds_what_was_replaced_last() -> None:
    cache = Cache()
    old, new = Repository(a=configmap("a", "1")), Repository(a=configmap("a", "2"))
    for repository, replaced in ((old, new), (new, old), (old, new)):
        await render(cache, repository)
        cache.outdate((path, blob) for path, blob, _ in replaced.files)
    assert len(old.read_blobs) == 1


async def test_what_is_used_again_counts_as_replaced_no_more() -> None:
    cache, kept = Cache(), Repository(kept=configmap("kept"))
    await render(cache, kept)
    cache.outdate((path, blob) for path, blob, _ in kept.files)
    await render(cache, kept)
    many = Repository(**{f"{each}.yaml": configmap(f"n{each}") for each in range(600)})
    await render(cache, many)
    cache.outdate((path, blob) for path, blob, _ in many.files)
    await render(cache, kept)
    assert len(kept.read_blobs) == 1


@pytest.mark.parametrize("size", [10, 1000, 10_000])
@pytest.mark.parametrize("objects", [1, 20])
async def test_a_cache_weighs_about_what_it_takes_of_memory(size: int, objects: int) -> None:
    def file(number: int) -> str:
        return "---\n".join(
            configmap(f"n{number}-{each}", "x" * (size // objects)) for each in range(objects)
        )

    cache, files = Cache(), Repository(**{f"{number}.yaml": file(number) for number in range(200)})
    await render(Cache(), files)
    tracemalloc.start()
    try:
        await render(cache, files)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.5 < taken / cache.weight < 1.5
