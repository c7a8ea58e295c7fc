"""Both trees have the same pages, headings and examples, and no link within the site is broken: check.py DOCS SITE."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Made by other tools, beside the guides.
APART = "api/"


class Links(HTMLParser):
    """The addresses that a page leads to, and the places within it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if place := found.get("id"):
            self.places.add(place)
        if link := found.get({"a": "href", "img": "src"}.get(tag, "")):
            self.links.append(link)


def shape(page: Path) -> tuple[list[str], list[str]]:
    """The levels of a page's headings, and the examples that it includes."""
    text = page.read_text(encoding="utf-8")
    headings = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"^(#+) ", headings, re.MULTILINE), re.findall(r'--8<-- "([^"]+)"', text)


def unequal(docs: Path) -> list[str]:
    english, chinese = ({page.name for page in (docs / tree).glob("*.md")} for tree in ("en", "zh"))
    problems = [f"{name} is in one tree only" for name in sorted(english ^ chinese)]
    same = (name for name in english & chinese if shape(docs / "en" / name) != shape(docs / "zh" / name))
    return problems + [f"{name}: headings or examples of the two languages differ" for name in sorted(same)]


def broken(site: Path) -> list[str]:
    pages = {page: Links(page) for tree in ("en", "zh") for page in (site / tree).rglob("*.html")}
    problems = []
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if page.name == "404.html" or parts.scheme or parts.netloc or APART in parts.path:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            place = unquote(parts.fragment)
            if not target.is_file() or (place and target in pages and place not in pages[target].places):
                problems.append(f"{page.relative_to(site)}: {link} leads nowhere")
    return sorted(set(problems))


def main() -> int:
    docs, site = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    problems = unequal(docs) + broken(site)
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
