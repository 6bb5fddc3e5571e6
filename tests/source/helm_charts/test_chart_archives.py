"""An archive of a chart is files in one folder: nothing in it leads out, and nothing small becomes large."""

from __future__ import annotations

import gzip
import tarfile

import pytest
from towline.source.helm_charts import chart_archive
from towline.source.helm_charts.chart_archive import ChartArchiveError

from tests.source.helm_charts.chart_servers import packed

CHART = {"web/Chart.yaml": "name: web\n"}


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def test_a_chart_is_its_files_by_their_paths_from_its_folder() -> None:
    folder = member("web/templates", tarfile.DIRTYPE)
    found = chart_archive.unpack(packed({**CHART, "x": folder, "web/templates/a.yaml": "a: b\n"}))
    assert found == {"Chart.yaml": b"name: web\n", "templates/a.yaml": b"a: b\n"}


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("web/link", member("web/link", tarfile.SYMTYPE, "/etc/passwd"), "neither a file nor a folder"),
        ("web/hard", member("web/hard", tarfile.LNKTYPE, "web/Chart.yaml"), "neither a file nor a folder"),
        ("web/device", member("web/device", tarfile.CHRTYPE), "neither a file nor a folder"),
        ("/etc/passwd", "x", "leads out of its folder"),
        ("web/../../x", "x", "leads out of its folder"),
        ("../web/x", "x", "leads out of its folder"),
        ("x", "x", "leads out of its folder"),
        ("web/a\\..\\b", "x", "leads out of its folder"),
        ("web/a\x1bb", "x", "cannot be printed"),
        ("web/large", b"\0" * (8 * 1024**2 + 1), "more than 8388608 bytes"),
        ("other/x", "x", "one folder with Chart.yaml"),
    ],
)
def test_what_is_no_file_in_the_folder_is_refused(
    path: str, content: str | bytes | tarfile.TarInfo, why: str
) -> None:
    with pytest.raises(ChartArchiveError, match=why):
        chart_archive.unpack(packed({**CHART, path: content}))


def test_a_file_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ChartArchiveError, match="twice"):
        chart_archive.unpack(packed({**CHART, "./web/Chart.yaml": "name: other\n"}))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(b"\0" * (64 * 1024**2 + 1)), "more than 67108864 bytes"),
        (gzip.compress(b"not a tar" * 100), "is damaged"),
        (packed()[:-20], "is cut off"),
        (b"PK", "is not a packed chart"),
        (b"", "is cut off"),
        (packed({f"web/{number}": "" for number in range(5001)}), "more than 5000 files"),
    ],
    ids=["bomb", "no tar", "cut off", "no gzip", "empty", "many files"],
)
def test_what_is_no_archive_of_a_chart_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ChartArchiveError, match=why):
        chart_archive.unpack(content)
