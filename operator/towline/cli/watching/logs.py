"""`towline logs`: what the Pods of an object write."""

from __future__ import annotations

import click

from towline import aio, text
from towline.api import durations
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.errors import ClusterError
from towline.model import Body
from towline.read import kind_names, pod_logs
from towline.read.cluster import Cluster
from towline.read.pod_logs import LogRequest, LogSource
from towline.read.read_errors import AbsentError, NotAllowedError

_MOST = 20
"""Containers that are read at a time."""


def _object(_context: click.Context, _argument: click.Parameter, value: str) -> str:
    try:
        kind_names.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _since(_context: click.Context, _option: click.Parameter, value: str) -> int:
    try:
        return round(durations.parse(value)) if value else 0
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("named", metavar="KIND/NAME", callback=_object, shell_complete=completion.objects)
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on, and show new lines.")
@click.option("-c", "--container", default="", metavar="NAME", help="This container alone.")
@click.option("-p", "--previous", is_flag=True, help="What the containers wrote before their last restart.")
@click.option(
    "--tail", default=100, show_default=True, metavar="N", help="The last N lines of each; -1 for all."
)
@click.option(
    "--since", default="", metavar="DURATION", callback=_since, help="Only lines that are not older."
)
@options.view(formats=(OutputForm.TABLE,))
def logs(view: View, named: str, container: str, **asked: object) -> None:
    """Show what the Pods of an object write.

    Lines of several containers begin with pod/container. Exit code 1 where a container cannot tell any.

    Example: towline logs deployment/web -f
    """
    request = LogRequest(**asked)  # type: ignore[arg-type]  # click has made them of these types

    async def work(cluster: Cluster) -> ExitCode:
        live = await cluster.live(named)
        found = _chosen(await pod_logs.pods(cluster, live), container, named)
        if len(found) > _MOST:
            output.note(f"{len(found) - _MOST} more containers are not read: name a Pod")
        reading = _Reading(cluster, request, prefixed=len(found) > 1)
        codes = await aio.gather(reading.run, found[:_MOST], _MOST if request.follows else 1)
        return max(codes)

    answer(view, work)


def _chosen(found: list[Body], container: str, named: str) -> list[LogSource]:
    """Return the containers to read.

    Raises:
        AbsentError: no Pod has the one that is named.
    """
    sources = [source for pod in found for source in pod_logs.sources(pod, container)]
    if sources:
        return sources
    there = {source.container for pod in found for source in pod_logs.sources(pod)}
    raise AbsentError(f'the Pods of {named} have no container "{container}", but {", ".join(sorted(there))}')


class _Reading:
    """Prints lines of containers as they come."""

    def __init__(self, cluster: Cluster, request: LogRequest, *, prefixed: bool) -> None:
        self._cluster = cluster
        self._request = request
        self._prefixed = prefixed

    async def run(self, source: LogSource) -> ExitCode:
        """Print the lines of one container; one that cannot tell any is named, and the others go on.

        Raises:
            NotAllowedError: the user may not read logs.
        """
        prefix = f"{source} " if self._prefixed else ""
        try:
            async for line in pod_logs.lines(self._cluster, source, self._request):
                click.echo(f"{prefix}{text.visible(line)}")
        except NotAllowedError:
            raise
        except ClusterError as error:
            output.note(f"{source}: {error.message}")
            return ExitCode.NOT_AS_WANTED
        return ExitCode.GOOD
