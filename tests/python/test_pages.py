"""Every page: its links lead somewhere, and the files that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
NOTES = "docs/environment_notes"  # parts of the pages in docs/environments, and held as these
# the folders that git keeps; a run writes others
SOURCES = {
    path.relative_to(ROOT).as_posix()
    for folder in ROOT.iterdir()
    if folder.is_dir()
    and not folder.name.startswith(".")
    and folder.name not in ("build", "runs")
    for path in folder.rglob("*")
}
NAMED = re.compile(r"`([\w/]+\.(?:h|cc|py|cmake))`")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in an address."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(page.read_text())
    }


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    lost = []
    folder = page.parent if page.parent != ROOT / NOTES else ROOT / "docs/environments"
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        file = (folder / target).resolve() if target else page
        if not file.exists():
            lost.append(target)
        elif anchor and anchor not in anchors(file):
            lost.append(f"{target}#{anchor}")
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_files_that_are_named_are_there(page: Path) -> None:
    lost = [
        name
        for name in NAMED.findall(page.read_text())
        if not any(source == name or source.endswith(f"/{name}") for source in SOURCES)
    ]
    assert lost == []
