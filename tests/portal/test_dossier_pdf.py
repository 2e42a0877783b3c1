"""The inspection file on paper: archival, accessible, and set whole whatever people wrote."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.dossier import typeset, web
from portal.dossier.paper import Citations, Paper, Quote, Section
from portal.dossier.typeset import printable
from tests.portal.papers import AT, sheet_of


@pytest.fixture(scope="module")
def pdf(unpacked: dict[str, bytes]) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(unpacked["dossier.pdf"])) as found:
        yield found


def test_the_pdf_says_that_it_is_archival_and_accessible(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as told:
        assert (told["pdfaid:part"], told["pdfaid:conformance"]) == ("3", "A")
        assert told["pdfuaid:part"] == "1"
        assert told["dc:title"] == "Tilsynsmappe, Nordfjord Tre AS 2027"
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang).startswith("nb")
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert "/OutputIntents" in pdf.Root
    assert "/Outlines" in pdf.Root


def elements(of: Any) -> Iterator[Any]:
    """Every element of the structure, in reading order."""
    kids = of.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from elements(kid)


def test_every_picture_has_words_and_every_table_headings(pdf: pikepdf.Pdf) -> None:
    found = list(elements(pdf.Root.StructTreeRoot))
    kinds = [str(e.S) for e in found]
    figures = [e for e in found if str(e.S) == "/Figure"]
    assert figures
    assert all(str(e.Alt) for e in figures)
    headings = [e for e in found if str(e.S) == "/TH"]
    assert headings
    assert all(scope(e) == "/Column" for e in headings)
    tables = kinds.count("/Table")
    assert tables > 30
    assert {"/TOC", "/L", "/LBody"} <= set(kinds)
    assert kinds.count("/Title") == 1
    # The contents are a chapter too; then the themes, and the requirements in them.
    levels = Counter(kind for kind in kinds if re.fullmatch("/H[0-9]", kind))
    assert levels == {"/H1": 14, "/H2": 15, "/H3": 48}


def scope(cell: Any) -> str:
    attributes = cell.get("/A", [])
    every = attributes if isinstance(attributes, pikepdf.Array) else [attributes]
    return next((str(a.Scope) for a in every if "/Scope" in a), "")


def test_the_pdf_carries_the_same_ledger_as_the_archive(pdf: pikepdf.Pdf, unpacked: dict[str, bytes]) -> None:
    assert pdf.attachments["facts.jsonl"].get_file().read_bytes() == unpacked["facts.jsonl"]
    [attached] = list(pdf.Root.AF)
    assert str(attached.AFRelationship) == "/Data"


def test_only_the_fonts_inside_are_used(pdf: pikepdf.Pdf) -> None:
    names = set()
    for page in pdf.pages:
        for font in page.resources.get("/Font", {}).values():
            for descendant in font.get("/DescendantFonts", [font]):
                names.add(str(descendant.BaseFont).partition("+")[2])
                assert "/FontDescriptor" in descendant
    assert {name.split("-")[0] for name in names} <= {"LibertinusSerif", "DejaVuSansMono", "NewCM10"}


def test_every_character_that_is_said_to_have_a_glyph_can_be_set() -> None:
    whole = "".join(chr(c) for first, last in typeset._GLYPHS for c in range(first, last + 1))
    assert printable(whole) == whole
    assert typeset.pdf(sheet_of(whole), b"", AT)


def test_what_the_fonts_lack_is_written_as_its_number() -> None:
    assert printable({"a": ["Ødegård \N{PILE OF POO}", 3]}) == {"a": ["Ødegård [U+1F4A9]", 3]}


def test_what_has_no_look_of_its_own_is_left_out_where_the_fonts_have_none() -> None:
    assert printable("\N{MAN}\N{ZERO WIDTH JOINER}\N{GIRL}") == "[U+1F468][U+1F467]"


@pytest.mark.parametrize("word", ["ø", "a1_", "Ω."])
def test_a_word_that_no_line_has_room_for_is_broken_and_not_lost_beyond_the_margin(word: str) -> None:
    run = (word * 40_000)[:40_000]
    lines = " ".join(run[at : at + 30] for at in range(0, len(run), 30))
    assert pages_of(run) >= pages_of(lines) - 2 > pages_of(word)


def pages_of(words: str) -> int:
    quote = Quote(said="Per", text=words)
    paper = Paper(
        language="nb", title="T", subtitle="S", running="R", mark="", contents="I", page="{page} {pages}", cover=(),
        sections=(Section(anchor="a", title="A", level=1, blocks=(quote,)),),
    )  # fmt: skip
    with pikepdf.open(io.BytesIO(typeset.pdf(paper, b"", AT))) as found:
        return len(found.pages)


def test_markup_is_not_read_by_the_typesetter() -> None:
    plain, marked = (len(typeset.pdf(sheet_of(words), b"", AT)) for words in ("#" * 40, "a" * 40))
    assert abs(plain - marked) < 4000
    assert typeset.pdf(sheet_of('#panic("x") #read("/etc/passwd") $ * _ ` [ ] < > @ \\ "'), b"", AT)


@given(st.text(max_size=300))
@settings(max_examples=15)
def test_any_text_can_be_set(words: str) -> None:
    assert typeset.pdf(sheet_of(words), b"", AT).startswith(b"%PDF-1.7")


def test_words_of_another_language_are_marked_so_that_they_are_read_aloud_in_it() -> None:
    cited = Citations(rows=(("Arbeidsmiljøloven § 4-3", "What it says"),), names="nb")
    told = Paper(
        language="en", title="T", subtitle="S", running="R", mark="", contents="C", page="{page} {pages}",
        cover=(), sections=(Section(anchor="a", title="A", level=1, blocks=(cited,)),),
    )  # fmt: skip
    marked = '<li><span lang="nb">Arbeidsmiljøloven § 4-3</span>: <span>What it says</span></li>'
    assert marked in web.page(told).decode()
    with pikepdf.open(io.BytesIO(typeset.pdf(told, b"", AT))) as found:
        spoken = [str(e.Lang) for e in elements(found.Root.StructTreeRoot) if "/Lang" in e]
        assert str(found.Root.Lang) == "en-GB"
    assert spoken == ["nb-NO"]
