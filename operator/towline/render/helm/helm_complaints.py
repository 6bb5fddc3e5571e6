"""Say what Helm says went wrong: with paths of the repository, without secrets, at the template that it names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from towline.errors import Failure, Reason
from towline.render.confined import binaries
from towline.render.helm import rendered_chart
from towline.render.helm.chart_files import in_folder
from towline.render.helm.chart_parts import ChartPart

_BEGIN = re.compile(r"^(?:Error: |INSTALLATION FAILED: )+")
_HINT = "Use --debug flag to render out invalid YAML"
_PLACE = re.compile(r"(?P<path>[^\s\"'()<>:,]+/[^\s\"'()<>:,]+)(?::(?P<line>\d+))?(?::\d+)?")
_OF_CHART = re.compile(r"chart/(?=[\w./-])")


def failure(
    said: str, root: str, folder: str, parts: Sequence[ChartPart], secrets: Collection[str]
) -> Failure:
    """Return what Helm says as a failure.

    Args:
        said: its words.
        root: where the files were.
        folder: of the chart, in the repository.
        parts: the charts of which it is made.
        secrets: what must not be shown.
    """
    words = (
        said[: binaries.HEARD]
        .replace(f"{root}/chart/", f"{in_folder(folder, '')}")
        .replace(f"{root}/", "")
        .replace(root, ".")
    )
    words = " ".join(_BEGIN.sub("", words.replace(_HINT, "")).split())
    at = in_folder(folder, "Chart.yaml"), 0

    def placed(found: re.Match[str]) -> str:
        nonlocal at
        path = rendered_chart.repository_path(found["path"], parts)
        if not path:
            return found[0]
        at = in_folder(folder, path), int(found["line"] or 0)
        return f"{at[0]}{found[0][len(found['path']) :]}"

    words = _PLACE.sub(placed, words)
    message = binaries.refusal("helm", words, secrets)
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=at[0], line=at[1])
