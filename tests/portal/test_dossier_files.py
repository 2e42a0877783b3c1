"""The files of an inspection file: the same bytes everywhere, harmless, accessible, and whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from activities.language import LANGUAGES, Language
from portal.dossier import typeset, web
from portal.dossier.making import Made
from portal.dossier.paper import (
    MOST,
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
from portal.dossier.typeset import printable
from tests.portal.inspected import FORMULA, MARKUP, dossier

AT = datetime(2028, 2, 20, 12, tzinfo=UTC)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="#fff"/></svg>'
)


@pytest.fixture(scope="module")
def made(inspected_year: Path) -> Made:
    return dossier(inspected_year, person="per", texts=True, documents=True)


@pytest.fixture(scope="module")
def unpacked(made: Made) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


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
                    Listing(items=(said,), tone="lacking"),
                    Grid(caption=said, head=(said,), widths=(1,), rows=((said,),)),
                    Quote(said=said, text=said), Picture(svg=SVG, alt=said or "bilde"),
                ),
            ),
        ),
    )  # fmt: skip


# --- the same bytes -----------------------------------------------------------------------------------

AGAIN = """
import asyncio, hashlib, sys
from pathlib import Path
from tests.portal.inspected import dossier
print(dossier(Path(sys.argv[1]), person="per", texts=True, documents=True).sha256)
"""


def test_another_process_elsewhere_in_the_world_makes_the_same_bytes(
    inspected_year: Path, made: Made, tmp_path: Path
) -> None:
    elsewhere = {
        **os.environ, "TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7", "LANGUAGE": "en",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]), "FORSVARLIG_LANG": "nn",
    }  # fmt: skip
    command = [sys.executable, "-c", AGAIN, str(inspected_year)]
    run = subprocess.run(command, cwd=tmp_path, env=elsewhere, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == made.sha256, run.stderr


def test_the_archive_has_sorted_names_the_checkpoints_time_and_nothing_of_the_machine(made: Made) -> None:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        entries = archive.infolist()
    assert [e.filename for e in entries] == sorted(e.filename for e in entries) == list(made.names)
    assert {e.date_time for e in entries} == {(2028, 2, 20, 13, 0, 0)}
    assert {(e.create_system, e.external_attr >> 16) for e in entries} == {(3, 0o100644)}
    assert not any(e.filename.startswith("/") or ".." in e.filename for e in entries)


def test_the_manifest_has_the_hash_of_every_other_file(unpacked: dict[str, bytes]) -> None:
    manifest = json.loads(unpacked["manifest.json"])
    assert set(manifest["files"]) == set(unpacked) - {"manifest.json"}
    for name, told in manifest["files"].items():
        assert told == {"sha256": hashlib.sha256(unpacked[name]).hexdigest(), "size": len(unpacked[name])}


def test_the_manifest_says_what_the_file_is_of_and_rests_on(unpacked: dict[str, bytes], made: Made) -> None:
    manifest = json.loads(unpacked["manifest.json"])
    assert manifest["checkpoint"]["note"] == unpacked["checkpoint.txt"].decode()
    assert manifest["checkpoint"]["fingerprint"] == made.sources.checkpoint.fingerprint
    assert manifest["law"]["sha256"] == made.sources.law.content_hash
    assert manifest["programme"]["sha256"] == made.sources.programme.content_hash
    assert (manifest["year"], manifest["unit"], manifest["exporter"]) == (2027, None, "per")
    assert manifest["cycles"] == ["unit/nordfjord-sag/sagbruk/2027", "year/nordfjord-sag/2027"]
    assert not manifest["rehearsal"]


def test_the_filed_documents_lie_beside_it_as_they_were_filed(unpacked: dict[str, bytes]) -> None:
    filed = {name: content for name, content in unpacked.items() if name.startswith("evidence/")}
    assert sorted(filed.values()) == [b"M\xc3\xb8tereferat", b"Risikovurdering"]
    for name, content in filed.items():
        assert name == f"evidence/{hashlib.sha256(content).hexdigest()[:16]}-vurdering.txt"


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_one_in_every_language(inspected_year: Path, language: Language) -> None:
    made = dossier(inspected_year, language, law=("R-20",))
    assert ("README.txt" in made.names) is (language == "en")
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert f'<html lang="{language}">'.encode() in archive.read("dossier.html")


# --- checked without the product -------------------------------------------------------------------------


def verified(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", "verify.py", "facts.jsonl", *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_who_unpacks_it_can_check_it_with_what_lies_in_it(unpacked: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("verify.py", "facts.jsonl"):
        (tmp_path / name).write_bytes(unpacked[name])
    fingerprint = json.loads(unpacked["manifest.json"])["checkpoint"]["fingerprint"]
    good = verified(tmp_path, fingerprint)
    assert good.returncode == 0, good.stdout + good.stderr
    changed = unpacked["facts.jsonl"].replace(b'"actor":"kari"', b'"actor":"hari"', 1)
    assert changed != unpacked["facts.jsonl"]
    (tmp_path / "facts.jsonl").write_bytes(changed)
    assert verified(tmp_path, fingerprint).returncode == 1


# --- the PDF ----------------------------------------------------------------------------------------------


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
    assert {"/H1", "/H2", "/TOC", "/L", "/LBody"} <= set(kinds)


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


def test_markup_is_not_read_by_the_typesetter() -> None:
    plain, marked = (len(typeset.pdf(sheet_of(words), b"", AT)) for words in ("#" * 40, "a" * 40))
    assert abs(plain - marked) < 4000
    assert typeset.pdf(sheet_of('#panic("x") #read("/etc/passwd") $ * _ ` [ ] < > @ \\ "'), b"", AT)


@given(st.text(max_size=300))
@settings(max_examples=15)
def test_any_text_can_be_set(words: str) -> None:
    assert typeset.pdf(sheet_of(words), b"", AT).startswith(b"%PDF-1.7")


# --- the web page ---------------------------------------------------------------------------------------------


def test_the_page_loads_nothing_and_runs_nothing(unpacked: dict[str, bytes]) -> None:
    page = unpacked["dossier.html"].decode()
    assert "default-src 'none'" in page
    tags = set(re.findall(r"<([a-z0-9]+)", page))
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base", "audio", "video", "svg"}
    assert not re.search(r"<[^>]*\s(on[a-z]+|srcset|action)=", page)
    sources = re.findall(r'<[^>]*\s(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(s.startswith(("#", "data:image/svg+xml;base64,")) for s in sources)
    assert "url(" not in page
    assert "@import" not in page


def test_every_link_leads_to_a_chapter_and_every_picture_has_words(unpacked: dict[str, bytes]) -> None:
    page = unpacked["dossier.html"].decode()
    anchors = re.findall(r'\sid="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(anchors)
    assert all('alt="' in tag for tag in re.findall(r"<img[^>]*>", page))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


class Reading(HTMLParser):
    """What a browser shows of a page, and the tags it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags, self.alts = "", list[str](), list[str | None]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += "\n" if tag == "br" else ""
        self.alts += [value for name, value in attrs if name == "alt"]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(max_size=200))
def test_any_text_is_shown_as_it_was_written_and_makes_no_tag(words: str) -> None:
    empty, read = Reading(), Reading()
    empty.feed(web.page(sheet_of("")).decode())
    read.feed(web.page(sheet_of(words)).decode())
    assert legible(words) in read.text
    assert [t for t in read.tags if t != "br"] == [t for t in sheet_tags(empty, words) if t != "br"]
    assert read.alts == [legible(words) or "bilde"]


def sheet_tags(empty: Reading, words: str) -> list[str]:
    # Without a mark there is no line for it at the top.
    at = empty.tags.index("body") + 1
    return [*empty.tags[:at], *(["p"] if words else []), *empty.tags[at:]]


# --- the spreadsheet --------------------------------------------------------------------------------------------


def rows(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_the_spreadsheet_has_its_four_sheets_and_runs_nothing(unpacked: dict[str, bytes]) -> None:
    found = rows(unpacked["measures.xlsx"])
    assert list(found) == ["krav", "steg", "beslutninger", "frister"]
    assert len(found["krav"]) == 1 + 48
    with zipfile.ZipFile(io.BytesIO(unpacked["measures.xlsx"])) as book:
        for name in book.namelist():
            content = book.read(name).decode()
            assert "<f>" not in content
            assert "<hyperlink" not in content
            assert "externalLink" not in name


def test_the_spreadsheet_has_the_disagreement_with_its_answer_as_text(unpacked: dict[str, bytes]) -> None:
    [head, *decisions] = rows(unpacked["measures.xlsx"])["beslutninger"]
    told = next(dict(zip(head, row, strict=True)) for row in decisions if "uenig" in row)
    assert told["Steg"] == "Y15"
    assert FORMULA in told["Det som er skrevet"]
    assert MARKUP.split("\\")[0] in told["Hvem"]
    assert "Vi setter inn to til" in told["Arbeidsgivers svar"]


def test_the_spreadsheet_has_both_due_dates(unpacked: dict[str, bytes]) -> None:
    [head, *steps] = rows(unpacked["measures.xlsx"])["steg"]
    told = next(dict(zip(head, row, strict=True)) for row in steps if row[0] == "Y16")
    assert (told["Første frist"].isoformat(), told["Frist"].isoformat()) == ("2027-06-07", "2027-06-18")


# --- texts ---------------------------------------------------------------------------------------------------------


@given(st.text())
def test_legible_text_has_nothing_hidden_and_reading_it_again_changes_nothing(words: str) -> None:
    shown = legible(words)
    assert (
        shown.replace("\n", "").isprintable()
        or any(c in shown for c in "\xa0\u2000\u3000")
        or not shown.isascii()
    )
    assert legible(shown) == shown


def test_a_text_without_end_is_cut_and_says_so() -> None:
    assert legible("a" * (MOST + 1)) == "a" * MOST + " […]"
