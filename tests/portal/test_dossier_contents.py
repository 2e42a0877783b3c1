"""What an inspection file tells, and what it never says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from activities.language import LANGUAGES, Language, speaking
from portal.dossier import departures
from portal.dossier.checking import ASK, readme
from portal.dossier.colophon import Attached, omissions
from portal.dossier.contents import compose
from portal.dossier.paper import (
    MOST,
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
from portal.dossier.sheets import workbook
from portal.dossier.telling import Teller
from portal.dossier.themes import by_theme, themes
from tests.portal.cells import rows
from tests.portal.inspected import ANSWER, DISAGREEMENT, HOSTILE_NAMES, REASON, sources
from worker.cli.dossier import Voice
from workflows.rules.law import parse_law
from workflows.standard import law_text

NOTHING = Attached((), (), ())
LAW = parse_law(law_text())


def paper(folder: Path, language: Language = "nb", **wanted: object) -> Paper:
    with speaking(language):
        return compose(Teller(sources(folder, language, **wanted), Voice()), NOTHING)


def strings(whole: Paper) -> list[str]:
    """Every text of a paper."""
    out = [whole.title, whole.subtitle, whole.mark, whole.running]
    blocks = [*whole.cover, *(b for section in whole.sections for b in section.blocks)]
    out += [section.title for section in whole.sections]
    for block in blocks:
        match block:
            case Paragraph():
                out.append(block.text)
            case Listing():
                out += block.items
            case Pairs() | Citations():
                out += [text for row in block.rows for text in row]
            case Grid():
                out += [block.caption, *block.head, *(text for row in block.rows for text in row)]
            case Quote():
                out += [block.said, block.text]
            case Picture():
                out.append(block.alt)
    return out


def section(whole: Paper, anchor: str) -> Section:
    return next(s for s in whole.sections if s.anchor == anchor)


def text(of: Section | Paper) -> str:
    sections = of.sections if isinstance(of, Paper) else (of,)
    return "\n".join(strings(Paper(
        language="nb", title="", subtitle="", running="", mark="", contents="", page="", cover=(), sections=sections,
    )))  # fmt: skip


def test_every_requirement_of_the_register_stands_under_one_theme() -> None:
    named = Counter(id for theme in themes() for id in theme.requirements)
    assert set(named) == {r.id for r in LAW.requirements}
    assert set(named.values()) == {1}


@pytest.fixture(scope="module")
def whole(inspected_year: Path) -> Paper:
    return paper(inspected_year, person="per", texts=True)


def test_every_requirement_is_told_once_in_the_order_of_the_themes(whole: Paper) -> None:
    told = [s.anchor.upper() for s in whole.sections if re.fullmatch(r"r-\d\d", s.anchor)]
    assert told == [id for theme in themes() for id in theme.requirements]


def test_anchors_are_unique(whole: Paper) -> None:
    assert max(Counter(s.anchor for s in whole.sections).values()) == 1


def test_a_requirement_tells_what_the_law_asks_in_the_registers_words_and_marks_what_was_not_read(
    whole: Paper,
) -> None:
    told = text(section(whole, "r-29"))
    assert "Arbeidsgiver skal forebygge og følge opp sykefravær systematisk" in told
    unverified = [p for p in LAW.provisions if p.confidence == "unverified"]
    assert "er ikke kontrollert mot kilden" in told
    assert any(p.section.casefold() in told.casefold() for p in unverified)


def test_the_chapters_are_of_the_first_level_their_themes_of_the_second_and_requirements_of_the_third(
    whole: Paper,
) -> None:
    levels = {s.anchor: s.level for s in whole.sections}
    assert {level for anchor, level in levels.items() if anchor.startswith("theme-")} == {2}
    assert {level for anchor, level in levels.items() if re.fullmatch(r"r-\d\d", anchor)} == {3}
    ordered = [1, *levels.values()]
    assert all(below <= above + 1 for above, below in pairwise(ordered))
    assert len([s for s in whole.sections if s.level == 1]) < 16


@pytest.mark.parametrize(
    ("language", "names", "texts"), [("nb", None, None), ("nn", "nb", "nb"), ("en", "nb", None)]
)
def test_an_act_is_named_in_the_language_that_it_is_written_in(
    inspected_year: Path, language: Language, names: str | None, texts: str | None
) -> None:
    cited = [
        b
        for s in paper(inspected_year, language, law=("R-20",)).sections
        for b in s.blocks
        if isinstance(b, Citations)
    ]
    [(name, said)] = cited[0].rows
    assert name == "Forskrift om organisering, ledelse og medvirkning § 7-1"
    assert ("The employer shall" in said) is (language == "en")
    assert (cited[0].names, cited[0].texts) == (names, texts)


def test_a_step_tells_its_dates_who_filed_who_answered_and_where_the_ledger_says_so(whole: Paper) -> None:
    told = text(section(whole, "r-20"))
    assert "20. mai 2027" in told
    assert "Kari Nordmann la fram versjon 1, «vurdering.txt»" in told
    assert "(verneombud): uenig, versjon 1" in told
    assert "Kari Nordmann (leder): godkjent, versjon 1" in told
    assert "svarte for arbeidsgiver 2. juni 2027, fristen var 24. mai 2027" in told
    assert re.search(r"arbeidsgiver svarte på uenigheten etter fristen \(fakta \d+, \d+\)", told)


def test_what_was_left_undone_is_said_under_its_requirement_and_at_the_front(whole: Paper) -> None:
    assert "ikke gjort da året ble lukket; ingen dokumentasjon fra lederen" in text(section(whole, "r-25"))
    assert "Y13 Resultat til grupper" in text(section(whole, "summary"))


def test_a_moved_due_date_keeps_the_first_one_and_its_reason(whole: Paper) -> None:
    told = text(section(whole, "deviations"))
    assert "18. juni 2027" in told
    assert "7. juni 2027" in told
    assert "besluttet av Kari Nordmann" in told
    assert f"«{REASON}»" in told
    assert "først 7. juni 2027" in text(section(whole, "r-22"))


def test_refused_attempts_are_counted_by_their_reason(whole: Paper) -> None:
    told = section(whole, "refused").blocks[0]
    assert isinstance(told, Grid)
    assert sum(int(count) for _why, count in told.rows) == 1


def test_every_number_in_a_column_of_facts_is_a_fact_of_the_ledger(
    whole: Paper, inspected_year: Path
) -> None:
    size = sources(inspected_year).checkpoint.size
    grids = [b for s in whole.sections for b in s.blocks if isinstance(b, Grid) and b.head[-1] == "Fakta"]
    numbers = [int(n) for g in grids for row in g.rows for n in row[-1].split(", ") if n]
    assert len(numbers) > 100
    assert set(numbers) <= set(range(1, size + 1))


def test_who_held_which_role_is_told(whole: Paper) -> None:
    told = text(section(whole, "responsible"))
    assert "Kari Nordmann\nSagbruk" in told
    assert "Saga" in told


VERDICTS = re.compile(
    r"complian|\bcomplies\b|\boppfylt|\boppfyller|i samsvar|\bi orden\b|tilfredsstill|fulfilled|satisf(ied|ies)"
    r"|\bin order\b|meets the req|lovlig\b|in conformity|\bok\b|godkjent av arbeidstilsynet",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_says_that_a_requirement_is_met(inspected_year: Path, language: Language) -> None:
    law = "\n".join(p.nb + p.en for p in LAW.provisions) + "\n".join(r.nb + r.en for r in LAW.requirements)
    for told in strings(paper(inspected_year, language, person="per", texts=True)):
        for found in VERDICTS.finditer(told):
            # The law itself may speak of it.
            assert told[max(0, found.start() - 12) : found.end() + 12] in law, told


def test_a_rehearsal_says_so_on_every_page(whole: Paper, tmp_path: Path) -> None:
    assert whole.mark == ""
    made = dossier_of_a_rehearsal(tmp_path)
    assert made.mark == "PRØVEKJØRING"
    assert "har skjedd" in made.cover[0].text  # type: ignore[union-attr]


def dossier_of_a_rehearsal(folder: Path) -> Paper:
    import asyncio

    from tests.activities.sawmill import Sawmill
    from tests.portal.inspected import checkpoint

    async def start() -> None:
        async with Sawmill.started(folder, "rehearsal") as mill:
            await checkpoint(mill, folder)

    asyncio.run(start())
    return paper(folder)


# --- what is left out -----------------------------------------------------------------------------


def test_without_being_asked_for_no_text_is_shown(inspected_year: Path) -> None:
    told = "\n".join(strings(paper(inspected_year)))
    assert ANSWER not in told
    assert "For lite folk" not in told
    assert "[begrunnelsen er utelatt her]" in told
    assert "3 tekster er utelatt: mappen er laget uten det folk har skrevet." in told


def test_a_text_is_shown_to_those_who_may_read_it_and_to_nobody_else(
    whole: Paper, inspected_year: Path
) -> None:
    written = text(section(whole, "written"))
    assert ANSWER in written
    assert "For lite folk" in written
    stranger = "\n".join(strings(paper(inspected_year, person="w0", texts=True)))
    assert ANSWER not in stranger
    assert "har ikke rett til å lese dem" in stranger


def test_without_names_no_name_is_left(inspected_year: Path) -> None:
    told = "\n".join(strings(paper(inspected_year, names=False)))
    assert "Kari Nordmann" not in told
    assert "alert" not in told
    assert "kari la fram versjon 1" in told
    assert "Navnene på folk er utelatt" in told


def test_one_unit_says_how_many_others_are_not_told_of(inspected_year: Path) -> None:
    told = paper(inspected_year, unit="sagbruk")
    assert told.subtitle == "Nordfjord Tre AS, Sagbruk 2027"
    found = sources(inspected_year, unit="sagbruk")
    more = found.plan.model_copy(update={"units": (*found.plan.units, "kontor", "lager")})
    [omitted] = [
        o for o in omissions(Teller(replace(found, plan=more), Voice()), NOTHING) if o.code == "units"
    ]
    assert omitted.count == 2
    assert "2 andre enheter er ikke fortalt om her" in omitted.text


def test_a_part_of_the_law_gives_the_requirements_that_rest_on_it(inspected_year: Path) -> None:
    found = sources(inspected_year, law=("AML-3-5", "r-20"))
    told = [
        r.requirement.id for _theme, those in by_theme(found.shown.requirements, found.wanted) for r in those
    ]
    assert set(told) == {"R-09", "R-20"}
    assert [o.count for o in omissions(Teller(found, Voice()), NOTHING) if o.code == "requirements"] == [46]


def test_a_part_of_the_law_shows_no_other_steps_their_documents_or_their_texts(inspected_year: Path) -> None:
    found = sources(inspected_year, law=("R-22",), person="per", texts=True)
    assert {step.key for step in found.steps} == {"Y16"}
    assert not found.documents
    states = Counter(each.state for each in found.texts.values())
    assert states == {"shown": 1, "outside": 2}
    told = paper(inspected_year, law=("R-22",), person="per", texts=True)
    assert ANSWER not in text(told)
    assert REASON in text(told)
    assert "2 tekster fra andre år eller steg er utelatt." in text(section(told, "left-out"))


def test_a_text_from_before_there_was_a_limit_is_cut_with_its_place_and_said_to_be_cut(
    inspected_year: Path,
) -> None:
    found = sources(inspected_year, person="per", texts=True)
    seq, longest = max(
        ((seq, t) for seq, t in found.texts.items() if t.text), key=lambda pair: len(pair[1].text or "")
    )
    texts = {**found.texts, seq: replace(longest, text="a" * 1_048_570)}
    with speaking("nb"):
        teller = Teller(replace(found, texts=texts), Voice())
        told = text(compose(teller, NOTHING))
        [cut] = [o for o in omissions(teller, NOTHING) if o.code == "text_shortened"]
        cells = [str(cell) for row in rows(workbook(teller))["beslutninger"] for cell in row]
    marked = f"{'a' * MOST} [… 1\xa0036\xa0570 tegn til; hele teksten står i facts.jsonl, nr. {seq}]"
    assert marked in told
    assert "a" * (MOST + 1) not in told
    assert marked in cells
    assert cut.text.endswith(f"hele teksten står i facts.jsonl, nr. {seq}.")
    assert "1\xa0048\xa0570 tegn" in cut.text
    assert "Ingenting er utelatt" not in told
    assert cut.text in told


def test_rows_that_are_only_counted_are_said_to_be_left_out(
    inspected_year: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with speaking("nb"):
        teller = Teller(sources(inspected_year, person="per", texts=True), Voice())
        assert not {o.code for o in omissions(teller, NOTHING)} & {"deviations_counted", "attempts_counted"}
        late = section(compose(teller, NOTHING), "deviations").blocks[0]
        monkeypatch.setattr(departures, "MOST", 0)
        counted = {o.code: o.count for o in omissions(teller, NOTHING)}
    assert isinstance(late, Grid)
    assert counted["deviations_counted"] == len(late.rows)
    assert counted["attempts_counted"] == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_is_signed_how_the_answer_is_read_and_how_to_ask_for_more(
    inspected_year: Path, language: Language
) -> None:
    with speaking(language):
        teller = Teller(sources(inspected_year, language), Voice())
        for told in (text(section(compose(teller, NOTHING), "checking")), readme(teller)):
            assert {"PROVED: ", "NOT PROVED: ", "FAULTS: "} <= {
                *re.findall(r"^[A-Z ]+: ", told, re.MULTILINE)
            }
            assert ASK in told
            assert teller.sources.checkpoint.fingerprint in told
    # What the answer is said to look like is what the program writes.
    written = files("activities.ledger").joinpath("verify.py").read_text("utf-8")
    assert all(heading in written for heading in ("\nPROVED", "\nNOT PROVED", '"FAULTS"'))


def test_what_people_wrote_comes_through_whole_and_harmless(whole: Paper) -> None:
    quotes = [b.text for b in section(whole, "written").blocks if isinstance(b, Quote)]
    disagreement = next(q for q in quotes if q.startswith("For lite folk"))
    assert "ø" * 10_000 in disagreement
    assert "<script>alert(1)</script>" in disagreement
    assert "\\u202e" in disagreement
    told = "".join(strings(whole))
    assert not {"\x00", "\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(told)
    assert HOSTILE_NAMES["per"] in told
    assert DISAGREEMENT not in told
