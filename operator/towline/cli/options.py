"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from towline.cli import completion
from towline.cli.output import COMMON_FORMS, OutputForm, OutputStyle
from towline.fields import quantity
from towline.kube.credentials import ClusterChoice

Command = TypeVar("Command", bound=Callable[..., Any])

_LARGEST = 64 * 1024**2
"""The limit on all manifests of one commit together."""


def _size(_context: click.Context, _option: click.Parameter, value: str) -> int:
    size = quantity.parse(value)
    if size is None or not 1 <= size <= _LARGEST:
        raise click.BadParameter(f"{value!r} must be a size from 1 to 64Mi, for example 10Mi or 5000000")
    return int(size)


max_file_size = click.option(
    "--max-file-size",
    default="10Mi",
    show_default=True,
    metavar="SIZE",
    callback=_size,
    help="How large one file of manifests may be.",
)

kustomize = click.option(
    "--kustomize",
    default="",
    metavar="PATH",
    help="The binary that builds kustomizations, kustomize or kubectl; else the one on PATH.",
)

helm = click.option(
    "--helm",
    default="",
    metavar="PATH",
    help="The binary that renders charts, helm 4; else the one on PATH.",
)

sops = click.option(
    "--sops",
    default="",
    metavar="PATH",
    help="The binary that decrypts what age in Python does not, sops 3; else the one on PATH.",
)

repos = click.option(
    "--repo",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A clone to read; else the one that you are in, or a mirror. Again for each that values come from.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the common options say: which cluster and namespace, which objects, and how the answer looks.

    `namespace` is empty for that of the context; `everywhere` means all namespaces; `selector` is of labels; `follows`
    says that changes are shown as they come.
    """

    choice: ClusterChoice
    namespace: str
    style: OutputStyle
    everywhere: bool = False
    selector: str = ""
    follows: bool = False


def view(
    *, formats: Sequence[OutputForm] = COMMON_FORMS, everywhere: bool = False, watch: bool = False
) -> Callable[[Command], Command]:
    """Give a command the options that it has in common with kubectl, as one argument `view`.

    Args:
        formats: the forms of `-o` that it has; the first one is the default.
        everywhere: whether it has `-A` and `-l`.
        watch: whether it has `-w`.
    """
    if OutputForm.TABLE in formats and OutputForm.WIDE not in formats:
        formats = (*formats[:1], OutputForm.WIDE, *formats[1:])  # one more column, or none
    several = (_EVERYWHERE, _SELECTOR) if everywhere else ()
    chosen = (_NAMESPACE, *several, *_CLUSTER, _format(formats), _NO_COLOR, *((_WATCH,) if watch else ()))

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(**given: Any) -> Any:
            return command(view=_view(given), **given)

        decorated: Any = called
        for option in reversed(chosen):
            decorated = option(decorated)
        found: Command = decorated
        return found

    return decorate


def _view(given: dict[str, Any]) -> View:
    """Take the common options out of what a command is given."""
    if given.get("all_namespaces") and given["namespace"]:
        raise click.UsageError("-n names one namespace, and -A means all of them: give one of the two")
    return View(
        choice=ClusterChoice(
            kubeconfig=given.pop("kubeconfig"),
            context=given.pop("context"),
            impersonated=given.pop("impersonated"),
        ),
        namespace=given.pop("namespace"),
        style=OutputStyle(format=OutputForm(given.pop("format")), color=not given.pop("no_color")),
        everywhere=given.pop("all_namespaces", False),
        selector=given.pop("selector", ""),
        follows=given.pop("watch", False),
    )


def _format(formats: Sequence[OutputForm]) -> Callable[[Command], Command]:
    names = [each.value for each in formats]
    return click.option(
        "-o",
        "--output",
        "format",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="How to print the answer.",
    )


_NAMESPACE = click.option(
    "-n",
    "--namespace",
    default="",
    metavar="NS",
    shell_complete=completion.namespaces,
    help="The namespace to look in; by default that of the context.",
)
_EVERYWHERE = click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
_SELECTOR = click.option(
    "-l", "--selector", default="", metavar="LABELS", help="Only what has these labels, as for kubectl."
)
_CLUSTER = (
    click.option(
        "--context",
        default="",
        metavar="NAME",
        shell_complete=completion.contexts,
        help="The context of the kubeconfig.",
    ),
    click.option(
        "--kubeconfig",
        default="",
        metavar="PATH",
        type=click.Path(),
        help="The kubeconfig; by default that of KUBECONFIG, else ~/.kube/config.",
    ),
    click.option(
        "--as", "impersonated", default="", metavar="USER", help="Ask as this user, who is impersonated."
    ),
)
_NO_COLOR = click.option("--no-color", is_flag=True, help="Print no colours, as with NO_COLOR.")
_WATCH = click.option("-w", "--watch", is_flag=True, help="Go on, and show what changes.")
