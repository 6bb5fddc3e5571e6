"""What `make soak` consists of: each part is one or more stories, which run in a short form in `make test`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.soak.walks import WALKS

STORIES = "e2e/stories/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is tried, and how much of it.

    `story` is a module or folder of stories, below `STORIES`, or one test. `points` says what is counted. `short` is
    how many `make test` tries, `full` how many `make soak` tries; both are 0 where a story has only one size. `seeded`
    says whether a seed chooses what is tried. `kubernetes` is the only minor version that the part is for, if any.
    """

    name: str
    story: str
    proves: str
    points: str
    short: int = 0
    full: int = 0
    seeded: bool = True
    kubernetes: str = ""

    @property
    def path(self) -> str:
        """Return what pytest is given."""
        return STORIES + self.story

    def holds(self, story: str) -> bool:
        """Say whether a test, by its node id, belongs to this part."""
        return story.startswith(self.path) and story[len(self.path) : len(self.path) + 1] in {
            "",
            ":",
            "[",
            "/",
        }


_ALL = (
    Part(
        name="random-model",
        story="soak/test_random_model.py",
        proves="commits, hand edits, kills, frozen and dead servers, outages and force pushes in any order end as Git"
        " and a twin that nobody edits; nothing else was deleted, and the records are one chain",
        points="steps",
        short=6,
        full=2000,
    ),
    Part(
        name="kill-after-each-write",
        story="soak/test_kill_after_each_write.py",
        proves="a process that dies right after any write of a sync leaves nothing that its next start does not finish",
        points="writes",
        short=2,
        full=200,
    ),
    Part(
        name="faults",
        story="soak/test_fault_rates.py",
        proves="commits get through each kind of failing request and lost answer, at each rate; nothing is done twice",
        points="kinds and rates",
        short=2,
        full=24,
    ),
    Part(
        name="spec-walks",
        story="soak/test_spec_walks.py",
        proves="each field of a GitRepository leads to a refusal, an error or another value and back, and all is as for"
        " an untouched twin",
        points="walks",
        short=4,
        full=len(WALKS),
    ),
    Part(
        name="many-kinds",
        story="soak/test_many_kinds.py",
        proves="50 objects of each of many kinds, which the same commit brings, are applied, changed and pruned once",
        points="kinds",
        short=3,
        full=100,
    ),
    Part(
        name="check-agrees",
        story="commands/test_check_agrees.py",
        proves="`towline check` finds what the API server refuses by its schemas, and nothing that it accepts",
        points="changed manifests",
        short=60,
        full=4000,
    ),
    Part(
        name="deleting-rivals",
        story="soak/test_deleting_rivals.py",
        proves="who deletes, or deletes and creates, an object every second is named; writes to it rest, and"
        " other objects are repaired",
        points="objects",
        short=1,
        full=20,
    ),
    Part(
        name="memory-slope",
        story="soak/test_memory_slope.py",
        proves="the operator grows by at most 2 MiB in the last three fifths of the commits (16 MiB up to 100 commits)",
        points="commits",
        short=10,
        full=1000,
    ),
    Part(
        name="drift-histories",
        story="drift/test_random.py",
        proves="no random history of an object that others change is missed, and no harmless one is answered",
        points="histories",
        short=120,
        full=900,
    ),
    Part(
        name="crossings",
        story="ownership/test_crossings.py"
        "::test_four_objects_reach_two_repositories_from_every_distribution_to_every_other",
        proves="objects that cross between two repositories keep their UID, whoever owned which of them",
        points="pairs of distributions",
        short=64,
        full=256,
    ),
    Part(
        name="kills",
        story="resilience/test_kills.py::test_kills_at_random_moments_of_syncs_end_where_no_kill_would_have",
        proves="kills at random requests of syncs, a quarter of them twice, end where no kill would have",
        points="kills",
        short=6,
        full=20,
    ),
    Part(
        name="kills-in-repairs",
        story="resilience/test_kills.py::test_kills_in_the_middle_of_repairs_end_where_no_kill_would_have",
        proves="kills at random requests of repairs end where no kill would have",
        points="kills",
        short=2,
        full=10,
    ),
    Part(
        name="unreliable-server",
        story="resilience/test_unreliable_server.py",
        proves="refusals, lost answers, ended watches and deaths of the API server delay a sync, and do nothing else",
        points="stories",
        seeded=False,
    ),
    Part(
        name="attacks",
        story="resilience/test_attacks.py",
        proves="no repository delays a commit of another one by more than three times",
        points="attacks",
        seeded=False,
    ),
    Part(
        name="stale-servers",
        story="resilience/test_stale_servers.py",
        proves="lists and watches of the past lead to no wrong write",
        points="stories",
        seeded=False,
    ),
    Part(
        name="restores",
        story="resilience/test_restored_backups.py",
        proves="what an etcd restored from a backup has lost is applied again, and nothing else is deleted",
        points="restores",
        seeded=False,
    ),
    *(
        Part(
            name=f"kubernetes-{version}",
            story="apply",
            proves=f"the stories about applying hold on Kubernetes {version}; `KUBEBUILDER_ASSETS` names its binaries",
            points="stories",
            seeded=False,
            kubernetes=version,
        )
        for version in ("1.34", "1.35", "1.36", "1.37")
    ),
    Part(
        name="upgrade",
        story="ownership/test_unstamped_objects.py",
        proves="objects and records of an operator without owner stamps are taken on; the upgrade writes nothing",
        points="stories",
        seeded=False,
    ),
)

PARTS: Mapping[str, Part] = {part.name: part for part in _ALL}
"""By name, in the order in which they run."""


def of_story(story: str) -> Part:
    """Return the part that a test belongs to, by its node id; raises `LookupError`."""
    for part in PARTS.values():
        if part.holds(story) and not part.kubernetes:
            return part
    raise LookupError(f"{story} belongs to no part of e2e/soak/parts.py")
