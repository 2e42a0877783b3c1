"""Small papers, to see what their readers make of them."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.dossier.paper import (
    Citations,
    Grid,
    Listing,
    Pairs,
    Paper,
    Paragraph,
    Picture,
    Quote,
    Section,
    legible,
)

AT = datetime(2028, 2, 20, 12, tzinfo=UTC)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="#fff"/></svg>'
)


def sheet_of(words: str) -> Paper:
    """A paper in which every kind of block says the same words."""
    said = legible(words)
    return Paper(
        language="nb", title="Tilsynsmappe", subtitle=said, running=said, mark=said, contents="Innhold",
        page="Side {page} av {pages}", cover=(Paragraph(text=said), Pairs(rows=((said, said),), code=True)),
        sections=(
            Section(
                anchor="a", title=f"T {said}", level=1,
                blocks=(
                    Listing(items=(said,), tone="lacking"), Citations(rows=((said, said),), names="nn"),
                    Grid(caption=said, head=(said,), widths=(1,), rows=((said,),)),
                    Quote(said=said, text=said), Picture(svg=SVG, alt=said or "bilde"),
                ),
            ),
        ),
    )  # fmt: skip
