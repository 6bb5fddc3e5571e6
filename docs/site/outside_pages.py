"""What mkdocs asks for while it builds the site: pages and files from outside docs/, and a look at the result."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = "docs/"

PAGES = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "benchmarks.md": "e2e/bench/README.md",
}
"""Pages of the site that are elsewhere in the repository."""

_OUTSIDE = {origin: name for name, origin in PAGES.items()}

DECISIONS = "adr/index.md"

_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[\w-]+)?\))")
_LINKED_TEXT = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)\)")
_IMAGE = re.compile(r'(<img [^>]*src=")([^"]+)(")')
_CODE_OR_ITEM = re.compile(r"^(```.*?^```$|  - )", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(\w+) yours$", re.MULTILINE)
_FENCE_WORD = re.compile(r"^```(\w+) \w+$", re.MULTILINE)
_LOADED = re.compile(
    r'<(?:script|link|img|iframe|source|object|embed)\b[^>]*?(?:src|href|data)="((?:https?:)?//[^"]+)"'
)
_IMPORTED = re.compile(r"""(?:@import\s+|url\(\s*)["']?((?:https?:)?//[^"')]+)""")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/, and the list of decisions."""
    for name, origin in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / origin).read_text()))
    files.append(File.generated(config, DECISIONS, content=decisions(ROOT / "docs" / "adr")))
    return files


def decisions(folder: Path) -> str:
    """Return a page that lists the records of decisions by their headings."""
    titles = (
        (file.name, file.read_text().splitlines()[0].lstrip("# ")) for file in sorted(folder.glob("0*.md"))
    )
    return "# Decisions\n\n" + "\n".join(f"- [{title}]({name})" for name, title in titles) + "\n"


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page, which lead through the repository, into those of the site."""
    name = page.file.src_uri
    if name == DECISIONS:
        return markdown
    origin = PAGES.get(name, DOCS + name)

    def link(found: re.Match[str]) -> str:
        return found[1] + placed(found[2], origin, name, config, files) + found[3]

    def text(found: re.Match[str]) -> str:
        return found[0] if placed(found[2], origin, name, config, files) else found[1]

    unfolded = _LINK.sub(link, _LINKED_TEXT.sub(text, nested(markdown)))
    return _FENCE_WORD.sub(r"```\1", _FENCE.sub(r'```\1 title="edit these"', _IMAGE.sub(link, unfolded)))


def nested(markdown: str) -> str:
    """Return a page whose lists in lists are indented by four blanks, as mkdocs wants them; code stays as it is."""
    return _CODE_OR_ITEM.sub(lambda found: "    - " if found[1] == "  - " else found[1], markdown)


def placed(target: str, origin: str, name: str, config: MkDocsConfig, files: Files) -> str:
    """Return where the site has what a page links; a folder without a page of its own has no place there.

    Args:
        target: The link as the page has it.
        origin: The path of the page in the repository.
        name: The path of the page in the site.
        config: The site's.
        files: All that the site has; a linked file of the repository is added.
    """
    if "//" in target or target.startswith("mailto:"):
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
    if (ROOT / path).is_dir():
        pages = [page for page in (f"{path}/README.md", f"{path}/index.md") if _is_page(page, files)]
        if not pages:
            return ""
        path = pages[0]
    if path in _OUTSIDE:
        place = _OUTSIDE[path]
    elif path.startswith(DOCS) or not (ROOT / path).is_file():
        place = path.removeprefix(DOCS)
    else:
        place = f"source/{path}.txt"
        if place not in files.src_uris:
            files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    return posixpath.relpath(place, posixpath.dirname(name) or ".")


def _is_page(path: str, files: Files) -> bool:
    return path in _OUTSIDE or (path.startswith(DOCS) and path.removeprefix(DOCS) in files.src_uris)


def on_post_build(*, config: MkDocsConfig) -> None:
    """End the build with an error where a page would ask another server for something."""
    asked = requests(Path(config.site_dir))
    if asked:
        raise PluginError("the site must load nothing from other servers:\n" + "\n".join(asked))


def requests(site: Path) -> list[str]:
    """Return what the pages and styles of a site load from elsewhere, each with its file."""
    rules = {".html": (_LOADED, _IMPORTED), ".css": (_IMPORTED,), ".svg": (_LOADED, _IMPORTED)}
    return [
        f"{file.relative_to(site)}: {address}"
        for file in sorted(site.rglob("*"))
        for rule in rules.get(file.suffix, ())
        for address in rule.findall(file.read_text())
    ]
