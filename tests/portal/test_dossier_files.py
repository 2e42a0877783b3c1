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
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.language import LANGUAGES, Language
from portal.dossier import web
from portal.dossier.making import Made
from portal.dossier.paper import (
    NONE,
    legible,
)
from portal.dossier.sheets import LONGEST, fitted
from tests.portal.cells import rows
from tests.portal.inspected import FORMULA, MARKUP, dossier
from tests.portal.papers import sheet_of

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


def test_the_contents_are_folded_away_before_the_summary(unpacked: dict[str, bytes]) -> None:
    page = unpacked["dossier.html"].decode()
    folded = page[page.index("<details>") : page.index("</details>")]
    assert folded.startswith("<details><summary>Innhold</summary><ol><li>")
    links = re.findall(r'<a href="#([^"]+)"', folded)
    assert links == re.findall(r'<h[234] id="([^"]+)"', page)
    assert folded.count("<ul>") == 1 + len([link for link in links if link.startswith("theme-")])


def test_on_a_narrow_screen_the_summary_has_only_the_numbers_there_are(unpacked: dict[str, bytes]) -> None:
    page = unpacked["dossier.html"].decode()
    compact = page[page.index('class="compact"') :].partition("</table>")[0]
    cells = re.findall(
        r'<td role="cell" data-title="[^"]+" aria-colindex="(\d)"( class="none")?>([^<]+)', compact
    )
    assert {number for number, _none, _text in cells} == set("123456")
    assert all(bool(none) is (said == NONE) for _number, none, said in cells)


# --- the spreadsheet --------------------------------------------------------------------------------------------


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


def test_more_than_a_cell_holds_is_cut_and_says_where_the_rest_is() -> None:
    assert fitted("a" * LONGEST) == "a" * LONGEST
    cut = fitted("a" * (LONGEST + 1))
    assert len(cut) == LONGEST
    assert cut.endswith("a [… resten står i dossier.pdf]")
