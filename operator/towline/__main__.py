"""The entry point: `towline operator` and the commands, each imported when it is called."""

from __future__ import annotations

import sys

import click

import towline
from towline.cli.entry.command_line import CommandLine
from towline.cli.entry.lazy_group import Verb

_VERBS = (
    Verb(
        "verify",
        "towline.cli.reviewing.verify:verify",
        "Check that no record was edited, replaced or removed, from a file or in a cluster.",
    ),
    Verb(
        "show",
        "towline.cli.show:show",
        "Show one sync: its commits, every field that it changed, what failed, and when.",
    ),
    Verb(
        "log",
        "towline.cli.log:log",
        "Show what was applied, and what failed, newest first.",
    ),
    Verb(
        "export",
        "towline.cli.reviewing.export:export",
        "Print the records of a period as evidence, for `towline verify`, or their changes as CSV.",
    ),
    Verb(
        "blame",
        "towline.cli.blame:blame",
        "Show who set each field of a live object: commit, author, date, pull request, file and line.",
    ),
    Verb(
        "check",
        "towline.cli.check:check",
        "Find what is wrong with manifests before they are merged, without a cluster.",
    ),
    Verb(
        "diff",
        "towline.cli.diff:diff",
        "Show what applying a revision would do, without writing anything.",
    ),
    Verb(
        "adopt",
        "towline.cli.requesting.adopt:adopt",
        "Show the objects that a repository declares and may not take over, and let it by setting spec.adopt.",
    ),
    Verb(
        "confirm-prune",
        "towline.cli.requesting.confirm_prune:confirm_prune",
        "Show the deletions that wait for a confirmation, and confirm exactly that list.",
    ),
    Verb(
        "orphans",
        "towline.cli.requesting.orphans:orphans",
        "List objects that no repository and no owner explains, and what repositories that are gone have left behind.",
    ),
    Verb(
        "reconcile",
        "towline.cli.requesting.sync:sync",
        "Have the operator look at a repository now, and say how that ends.",
        hidden=True,
    ),
    Verb(
        "resume",
        "towline.cli.requesting.resume:resume",
        "End the suspension of a repository, and say how the sync after it ends.",
    ),
    Verb(
        "rollback",
        "towline.cli.requesting.rollback:rollback",
        "Print the reverts that take the branch back to what an earlier sync applied, and what they would change.",
    ),
    Verb(
        "suspend",
        "towline.cli.requesting.suspend:suspend",
        "Suspend a repository: nothing is fetched or written until a time, or until it is resumed.",
    ),
    Verb(
        "sync",
        "towline.cli.requesting.sync:sync",
        "Have the operator look at a repository now, and say how that ends.",
    ),
    Verb(
        "events",
        "towline.cli.watching.events:events",
        "Show what happened to a repository lately, the newest last.",
    ),
    Verb(
        "logs",
        "towline.cli.watching.logs:logs",
        "Show what the Pods of an object write.",
    ),
    Verb(
        "get",
        "towline.cli.get:get",
        "Show how repositories are, each with the sentence that matters most.",
    ),
    Verb(
        "history",
        "towline.cli.reviewing.history:history",
        "Show what was applied, as `towline log`.",
        hidden=True,
    ),
    Verb(
        "import",
        "towline.cli.imports:imports",
        "Turn resources of other GitOps tools into GitRepositories.",
    ),
    Verb(
        "operator",
        "towline.operator_command:operator",
        "Run the operator, for all namespaces of a cluster.",
    ),
    Verb(
        "render",
        "towline.cli.render:render",
        "Print the objects that a folder declares, as Towline reads them.",
    ),
    Verb(
        "tree",
        "towline.cli.tree:tree",
        "Show the objects of a repository as a tree, unhealthy ones first.",
    ),
    Verb(
        "wait",
        "towline.cli.watching.wait:wait",
        "Wait until a commit is applied, or its objects are healthy.",
    ),
    Verb(
        "why",
        "towline.cli.why:why",
        "Explain why a repository or an object is not ready, not as in Git, or not there.",
    ),
)
"""All commands; a summary is the first line of the command's own help."""


@click.group(cls=CommandLine, verbs=_VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(towline.__version__, prog_name="towline")
def main() -> None:
    """Keep a Kubernetes cluster in sync with Git."""


def complete() -> None:
    """Complete what is typed behind `kubectl towline`: kubectl calls this as `kubectl_complete-towline`."""
    from towline.cli import kubectl_completion

    kubectl_completion.answer(main, sys.argv[1:])


if __name__ == "__main__":
    main()
