"""Turn what Helm printed of a chart into manifests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from towline.errors import Failure, Reason
from towline.model import Manifest, Origin
from towline.render.helm import chart_hooks, chart_parts, rendered_chart
from towline.render.helm.chart_files import ChartFiles, in_folder
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.chart_parts import ChartPart
from towline.render.helm.rendered_chart import PrintedError, PrintedObject
from towline.render.written import rendered_objects
from towline.render.written.rendered_objects import RenderedObject

_TELLING = 8
"""From this length on, a text with a digit in it is taken for a secret where it is in a name."""

_SHOWN = (
    "a value that is secret is part of the name of an object, which is shown everywhere: name it otherwise"
)


def objects(
    output: bytes, chart: ChartFiles, parts: Sequence[ChartPart], options: ChartOptions
) -> tuple[tuple[RenderedObject, ...], tuple[Failure, ...]]:
    """Return what Helm printed, each object with the template that declares it, and what is wrong with them.

    Args:
        output: what it printed.
        chart: its files.
        parts: the charts of which it is made.
        options: how it was rendered.
    """
    try:
        printed = rendered_chart.objects(output, parts)
    except PrintedError as error:
        file = in_folder(chart.folder, error.file) if error.file else chart.marker
        return (), (Failure(reason=Reason.BUILD_FAILED, message=error.message, file=file),)
    mapped, faults = chart_hooks.applied(printed, options.asked.hooks)
    if faults:
        return (), tuple(_refusal(fault.message, fault.hook, chart) for fault in faults)
    values = options.asked.files
    return tuple(
        RenderedObject(orjson.dumps(one.value), _origin(one, chart)._replace(values=values)) for one in mapped
    ), ()


def manifests(
    printed: Iterable[RenderedObject], options: ChartOptions, hidden: frozenset[str], render: str
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return the manifests of what a chart declares, and what is wrong with them.

    Args:
        printed: the objects.
        options: how they were rendered.
        hidden: what must be shown nowhere.
        render: what tells this render from others.
    """
    made, failures = rendered_objects.rendered_objects(printed, options.substitution, hidden)
    placed = tuple(
        replace(one, release_namespace=options.namespace, origin=one.origin._replace(render=render))
        for one in made
    )
    return placed, (*failures, *_named(placed, hidden))


def _origin(one: PrintedObject, chart: ChartFiles) -> Origin:
    """Return where an object is declared; Chart.yaml where Helm does not say."""
    file = in_folder(chart.folder, one.file) if one.file else chart.marker
    entry = chart.files.get(chart_parts.committed(one.file))
    return Origin(
        file, one.line, blob=entry.sha if entry else "", via=(chart.marker, file) if one.file else (file,)
    )


def _refusal(message: str, hook: PrintedObject, chart: ChartFiles) -> Failure:
    origin = _origin(hook, chart)
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=origin.file, line=origin.line)


def _named(made: Sequence[Manifest], texts: frozenset[str]) -> Iterable[Failure]:
    """Refuse names with a secret in them. A plain word says nothing: a Secret may hold all values of a release."""
    together = "\n".join(f"{one.ref.name}\n{one.ref.namespace}" for one in made)
    shown = [text for text in texts if _is_telling(text) and text in together]
    for one in made if shown else ():
        if any(text in part for text in shown for part in (one.ref.name, one.ref.namespace)):
            yield Failure(
                reason=Reason.BUILD_FAILED, message=_SHOWN, file=one.origin.file, line=one.origin.line
            )


def _is_telling(text: str) -> bool:
    return len(text) >= _TELLING and any(each.isdigit() for each in text)
