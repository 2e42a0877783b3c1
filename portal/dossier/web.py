"""The inspection file as one web page: no script, nothing from elsewhere, readable on a phone, in the dark, printed."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement, tostring

from activities.language import Language
from portal.dossier.paper import (
    NONE,
    Block,
    Citations,
    Grid,
    Listing,
    Pairs,
    Paper,
    Paragraph,
    Picture,
    Quote,
    Section,
)

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser may load for the page: its own style and its own pictures."""


def page(paper: Paper) -> bytes:
    """The page in UTF-8. Every text is escaped; the same paper gives the same bytes."""
    html = Element("html", {"lang": paper.language})
    head = SubElement(html, "head")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": POLICY})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "meta", {"name": "color-scheme", "content": "light dark"})
    SubElement(head, "meta", {"name": "robots", "content": "noindex"})
    _text(head, "title", f"{paper.title} – {paper.subtitle}")
    SubElement(head, "style").text = _style()
    body = SubElement(html, "body")
    if paper.mark:
        _text(body, "p", paper.mark, {"class": "mark"})
    main = SubElement(body, "main")
    _text(main, "h1", paper.title)
    _text(main, "p", paper.subtitle, {"class": "subtitle"})
    for block in paper.cover:
        _block(main, block)
    _contents(main, paper)
    for section in paper.sections:
        _section(main, section)
    footer = SubElement(body, "footer")
    _text(footer, "p", f"{paper.running} · {paper.mark}" if paper.mark else paper.running)
    written: str = tostring(html, encoding="unicode", method="html")
    return f"<!doctype html>\n{written}\n".encode()


def _contents(parent: Element, paper: Paper) -> None:
    # Closed at first: on a phone it is several screens long, and the summary comes after it.
    nav = SubElement(parent, "nav", {"aria-label": paper.contents})
    folded = SubElement(nav, "details")
    _text(folded, "summary", paper.contents)
    lists = [SubElement(folded, "ol")]
    for section in paper.sections:
        del lists[section.level :]
        while len(lists) < section.level:
            lists.append(SubElement(lists[-1][-1], "ul"))
        item = SubElement(lists[-1], "li")
        _text(item, "a", section.title, {"href": f"#{section.anchor}"})


def _section(parent: Element, section: Section) -> None:
    # The page's own title is its h1.
    _text(parent, f"h{section.level + 1}", section.title, {"id": section.anchor})
    for block in section.blocks:
        _block(parent, block)


def _block(parent: Element, block: Block) -> None:
    match block:
        case Paragraph():
            _text(parent, "p", block.text, {"class": block.tone})
        case Listing():
            listing = SubElement(parent, "ul", {"class": block.tone})
            for item in block.items:
                _text(listing, "li", item)
        case Citations():
            _citations(parent, block)
        case Pairs():
            pairs = SubElement(parent, "dl", {"class": "code"} if block.code else {})
            for name, value in block.rows:
                _text(pairs, "dt", name)
                _text(pairs, "dd", value)
        case Grid():
            _grid(parent, block)
        case Quote():
            figure = SubElement(parent, "figure")
            _text(figure, "figcaption", block.said)
            _text(figure, "blockquote", block.text)
        case Picture():
            data = base64.b64encode(block.svg.encode()).decode()
            SubElement(parent, "img", {"src": f"data:image/svg+xml;base64,{data}", "alt": block.alt})


def _citations(parent: Element, citations: Citations) -> None:
    listing = SubElement(parent, "ul", {"class": "small"})
    for name, text in citations.rows:
        item = SubElement(listing, "li")
        _text(item, "span", name, _in(citations.names)).tail = ": "
        _text(item, "span", text, _in(citations.texts))


def _in(language: Language | None) -> dict[str, str]:
    return {} if language is None else {"lang": language}


def _grid(parent: Element, grid: Grid) -> None:
    # A narrow screen lays rows out one below the other, and then only the roles say that it is a table.
    table = SubElement(parent, "table", {"role": "table", **({"class": "compact"} if grid.compact else {})})
    _text(table, "caption", grid.caption)
    columns = SubElement(table, "colgroup")
    for width in grid.widths:
        SubElement(columns, "col", {"style": f"width: {round(100 * width / sum(grid.widths))}%"})
    head = SubElement(SubElement(table, "thead", {"role": "rowgroup"}), "tr", {"role": "row"})
    for title in grid.head:
        _text(head, "th", title, {"scope": "col", "role": "columnheader"})
    body = SubElement(table, "tbody", {"role": "rowgroup"})
    for row in grid.rows:
        line = SubElement(body, "tr", {"role": "row"})
        for number, (title, cell) in enumerate(zip(grid.head, row, strict=True), 1):
            told = {"role": "cell", "data-title": title}
            if grid.compact:
                # Empty cells are not there on a narrow screen, so each says which column it is of.
                told |= {"aria-colindex": str(number), **({"class": "none"} if cell == NONE else {})}
            _text(line, "td", cell, told)


def _text(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> Element:
    """An element with a text, its line breaks kept."""
    element = SubElement(parent, tag, attributes or {})
    first, *more = text.split("\n")
    element.text = first
    for line in more:
        SubElement(element, "br").tail = line
    return element


@cache
def _style() -> str:
    return files("portal.dossier").joinpath("dossier.css").read_text("utf-8")
