"""Syncs that are killed halfway, and what shows afterwards whether anything was lost by that."""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

from e2e.faults.gate import Gate
from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness import identity
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Kubectl
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects
from e2e.scenes.mixed_commits import Step, Steps

About = Callable[[Request], bool]


def about_objects(request: Request) -> bool:
    """Mean what a sync asks; watches, and what is asked at every start, come when they come."""
    return "namespaces" in request.path.split("/") and not request.watches


def undisturbed(
    course: Steps, commits: list[tuple[Step, str]], proxy: Proxy, about: About = about_objects
) -> tuple[list[str], list[int]]:
    """Walk a course and return its state after each step, and how many of the requests that are meant each took."""
    states, lengths = [], []
    for step, sha in commits:
        before = len(proxy.seen)
        course.take(step, sha)
        course.repository.until_ready(sha)
        lengths.append(sum(about(seen.request) for seen in proxy.seen[before:]))
        states.append(course.state())
    return states, lengths


def killed(operator: Operator, proxy: Proxy, repository: Repository, sha: str, gate: Gate) -> None:
    """Kill the operator when a request stands at the gate, or when it is done before that."""
    eventually(
        lambda: gate.reached(0) or repository.commit("applied") == sha,
        deadline=30,
        poll=0.002,
        message=lambda: f"the request; the log ends:\n{operator.program.tail()}",
    )
    operator.kill()
    proxy.mend()


def deleted_twice(audit: AuditLog, mark: Mark) -> list[str]:
    """Return the objects whose deletion was accepted more than once, and those that were deleted whatever they were."""
    deletions = [
        event for event in audit.writes(mark, identity.OPERATOR) if event.verb == "delete" and event.succeeded
    ]
    uids = Counter(((event.body or {}).get("preconditions") or {}).get("uid", "") for event in deletions)
    return [uid for uid, times in uids.items() if times > 1 or not uid]


def unrecorded(audit: AuditLog, mark: Mark, repository: Repository) -> list[str]:
    """Return the writes of managed objects that name no record which was there before, and is of their commit."""
    targets = {record["metadata"]["name"]: record["spec"]["to"] for record in repository.records()}
    opened: set[str] = set()
    found = []
    for event in audit.since(mark):
        if event.resource == "syncrecords" and event.code == 201:
            opened.add(event.name)
        if event.user == identity.OPERATOR and event.writes and managed_objects.managed(event, repository):
            named = re.search(r"commit=(\w+); record=([\w-]+)\)", event.user_agent)
            if not named or named[2] not in opened or targets[named[2]] != named[1]:
                found.append(f"{event}: {event.user_agent}")
    return found


def check_history(kubectl: Kubectl, repository: Repository) -> None:
    """Wait until every record is closed, and check that the chain holds."""
    repository.until_closed()
    printed = kubectl("get", "syncrecords", "-n", repository.namespace, "-o", "json")
    verified = subprocess.run(
        [sys.executable, "-m", "towline", "history", "verify"],
        input=printed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout


def difference(expected: str, found: str) -> str:
    """Return how what was killed differs from what was not, as lines."""
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), "undisturbed", "killed", n=12)
    return "\n".join(lines)
