"""`make docs`: every page of docs/ on one site that can be searched and asks no other server for anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from docs.site import outside_pages

ROOT = Path(__file__).parents[2]
SITE = Path("docs", "site")


def built(root: Path, into: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "mkdocs", "build", "--strict"),
            *("--config-file", root / SITE / "mkdocs.yml", "--site-dir", into),
        ],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_page_is_on_the_site_and_found_by_its_words(tmp_path: Path) -> None:
    done = built(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    pages = {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}
    lacking = [page for page in sorted(pages) if not page_of(tmp_path, page).is_file()]
    assert lacking == []
    index = json.loads((tmp_path / "search" / "search_index.json").read_text())
    places = {entry["location"].split("#")[0] for entry in index["docs"] if "PruneBlocked" in entry["text"]}
    assert {"reference/conditions.html", "troubleshooting.html"} <= places


def page_of(site: Path, page: Path) -> Path:
    """Return where mkdocs puts a page: a README is the index of its folder."""
    return site / (page.with_name("index.html") if page.stem == "README" else page.with_suffix(".html"))


BAD = {
    "[a page](docs/no-page.md)": "no-page.md",
    "[an anchor](docs/page.md#there)": "#there",
    "[a file](no-file.py)": "no-file.py",
    "![](https://example.com/badge.svg)": "badge.svg",
    '<img alt="" src="//example.com/other.svg">': "other.svg",
}
GOOD = (
    "[a page](docs/page.md#here)",
    "[a file](pyproject.toml)",
    "[a folder](e2e/)",
    '<img src="pyproject.toml">',
)


def test_a_link_to_nowhere_and_a_request_to_another_server_end_the_build(tmp_path: Path) -> None:
    small_site(tmp_path, "\n".join(BAD))
    done = built(tmp_path, tmp_path / "built")
    assert done.returncode == 1
    assert [named for named in BAD.values() if named not in done.stderr] == []


def test_a_link_to_a_file_of_the_repository_leads_to_a_copy_and_one_to_a_folder_is_text(
    tmp_path: Path,
) -> None:
    small_site(tmp_path, "\n".join(GOOD))
    done = built(tmp_path, tmp_path / "built")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "built" / "index.html").read_text()
    assert 'href="page.html#here"' in page
    assert 'href="source/pyproject.toml.txt"' in page
    assert (tmp_path / "built" / "source" / "pyproject.toml.txt").read_text() == "[project]"
    assert "\na folder\n" in page


def test_lists_in_lists_stay_so_and_code_is_left_as_it_is() -> None:
    page = "- a\n  - b\n\n```yaml\nx:\n  - 1\n```\n\n- c\n  - d\n"
    assert outside_pages.nested(page) == "- a\n    - b\n\n```yaml\nx:\n  - 1\n```\n\n- c\n    - d\n"


def small_site(root: Path, text: str) -> None:
    """Write a repository of a few pages, whose README holds a text, with the settings of the site."""
    (root / SITE).mkdir(parents=True)
    settings = (ROOT / SITE / "mkdocs.yml").read_text()
    (root / SITE / "mkdocs.yml").write_text(settings.partition("\nnav:")[0])
    shutil.copy(ROOT / SITE / "outside_pages.py", root / SITE)
    for outside in outside_pages.PAGES.values():
        (root / outside).parent.mkdir(parents=True, exist_ok=True)
        (root / outside).write_text("# A page\n")
    (root / "docs" / "adr").mkdir()
    (root / "docs" / "page.md").write_text("# A page\n\n## Here\n")
    (root / "pyproject.toml").write_text("[project]")
    (root / "README.md").write_text(f"# Title\n\n{text}\n")
