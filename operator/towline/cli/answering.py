"""Run what a command asks a cluster, and end with the exit code that fits the answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from towline.cli.exit_codes import ExitCode, NoAnswerError
from towline.cli.options import View
from towline.errors import TowlineError
from towline.kube.client import Client
from towline.read import cluster
from towline.read.cluster import Cluster


def answer(
    view: View, work: Callable[[Cluster], Awaitable[ExitCode]], client_type: type[Client] = Client
) -> None:
    """Connect to the cluster that the user means, do the work, and exit as it says.

    Ctrl-C ends it without a word.

    Args:
        view: which cluster, and as whom.
        work: what is done.
        client_type: what sends the requests.

    Raises:
        NoAnswerError: the cluster gives no answer, or the user may not read it.
    """
    try:
        code = asyncio.run(_answered(view, work, client_type))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except TowlineError as error:
        raise NoAnswerError(error.message) from error
    sys.exit(code)


async def _answered(
    view: View, work: Callable[[Cluster], Awaitable[ExitCode]], client_type: type[Client]
) -> ExitCode:
    async with cluster.opened(view.choice, view.namespace, client_type) as opened:
        return await work(opened)
