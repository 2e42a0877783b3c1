"""The legal register against the law map, the requirement table and the traps of hms-domain.md §§ 1 and 9."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.written_law import PROVISION, REQUIREMENT, SMALL, THRESHOLD, changed
from workflows.rules.law import LawError, LegalRegister, parse_law
from workflows.standard import law_text, programme_text

LAW = parse_law(law_text())
MID_2023, MID_2026, MID_2027 = date(2023, 6, 1), date(2026, 6, 1), date(2027, 6, 1)


def words(text: str) -> list[str]:
    return text.split()


LAW_MAP = words("""
    AML-2-1 AML-2-3-1 AML-2-3-2-a AML-2-3-2-b AML-2-3-2-c AML-2-3-2-d AML-2-3-2-e AML-2-3-2-f AML-2-3-2-g
    AML-2-3-3 AT-OLM-2 AML-2A-1 AML-2A-3 AML-2A-4 AML-2A-6
    AML-3-1-1 AML-3-1-2-a AML-3-1-2-b AML-3-1-2-c AML-3-1-2-d AML-3-1-2-e AML-3-1-2-f AML-3-1-2-g AML-3-1-2-h
    AML-3-2 AML-3-2-3 AML-3-3 AML-3-5
    AML-4-1-1 AML-4-1-2 AML-4-1-3 AML-4-2 AML-4-2-3
    AML-4-3-1 AML-4-3-2 AML-4-3-2-a AML-4-3-2-b AML-4-3-2-c AML-4-3-2-d
    AML-4-3-3 AML-4-3-4 AML-4-3-5 AML-4-3-6 AML-4-3-7 AML-4-6-1 AML-4-6-3 AML-4-6-4
    AML-5-1 AML-5-1-4 AML-5-2 AML-6-1 AML-6-2 AML-6-2-3 AML-6-2-4 AML-6-3 AML-6-4 AML-6-5 OLM-3-18 OLM-3-19
    AML-7-1 AML-7-1-4 OLM-3-7
    AML-7-2-2-a AML-7-2-2-b AML-7-2-2-c AML-7-2-2-d AML-7-2-2-e AML-7-2-2-f AML-7-2-3 AML-7-2-4 AML-7-2-5
    AML-7-2-6 AML-7-4
    OLM-2-2 OLM-2-3 OLM-3-14 OLM-3-16 OLM-4-6 AML-8-1 AML-8-2-1-a AML-8-2-1-b AML-8-2-1-c AML-8-2-4
    AML-9-1 AML-9-2 IKF-4 IKF-5-1 IKF-5-2 IKF-5-3 IKF-5-4 IKF-5-5 IKF-5-6 IKF-5-7 IKF-5-8
    OLM-7-1 OLM-13-2 OLM-13-3 FUA-2026-1 FUA-2026-2 FUA-2026-3
    LDL-26-1 LDL-26-2 LDL-26a GDPR-5-1-b GDPR-5-1-c GDPR-5-1-e GDPR-6-1-c GDPR-9-1 GDPR-9-2-b
    AML-18-6 AML-18-7 AML-18-8 AML-18-10
""")


# --- The shipped register --------------------------------------------------------------------------


@pytest.mark.parametrize("id", LAW_MAP)
@pytest.mark.parametrize("day", [MID_2026, MID_2027])
def test_every_row_of_the_law_map_is_in_force(id: str, day: date) -> None:
    assert LAW.provision(id, day).holds_on(day)


def test_the_requirements_are_r_01_to_r_48_and_each_stands_once() -> None:
    assert [r.id for r in LAW.requirements] == [f"R-{n:02}" for n in range(1, 49)]


@pytest.mark.parametrize("day", [MID_2026, MID_2027])
def test_every_requirement_and_threshold_cites_what_is_in_force(day: date) -> None:
    cited = [id for r in LAW.requirements for id in r.provisions]
    cited += [t.provision for t in LAW.thresholds if t.holds_on(day)]
    assert {LAW.provision(id, day).id for id in cited} == set(cited)


def test_a_threshold_cites_a_version_of_the_provision_that_held_when_it_began() -> None:
    for threshold in LAW.thresholds:
        assert LAW.provision(threshold.provision, threshold.valid_from).valid_from <= threshold.valid_from


def test_every_stage_has_requirements_and_the_soft_gates_are_those_of_the_table() -> None:
    assert {s for r in LAW.requirements for s in r.stages} == {"S0", *(f"S{n}" for n in range(1, 8)), "P"}
    soft = words("R-03 R-07 R-11 R-12 R-21 R-25 R-29 R-31 R-35 R-41 R-47")
    assert [r.id for r in LAW.requirements if r.gate == "soft"] == soft


def test_the_table_s_ranges_of_stages_are_written_out() -> None:
    assert LAW.requirement("R-16").stages == ("S2", "S3", "S4", "S5", "S6", "P")
    assert LAW.requirement("R-33").stages == ("S1", "S2", "S3", "S4", "S5", "S6", "S7")
    assert LAW.requirement("R-37").stages == ("S1", "S3", "S4", "S7")


def test_consulting_the_safety_representative_demands_an_opportunity_and_no_consent() -> None:
    condition = LAW.requirement("R-33").condition
    assert condition is not None
    assert "reell anledning" in condition.nb


def test_a_regulation_is_called_a_regulation_and_advice_is_called_guidance() -> None:
    for provision in LAW.provisions:
        prefix = provision.id.split("-")[0]
        kind = {"AML": "act", "LDL": "act", "GDPR": "act", "IKF": "regulation", "OLM": "regulation"}
        kind |= {"FUA": "regulation", "AT": "guidance", "DT": "guidance", "LEGE": "guidance"}
        assert provision.kind == kind[prefix], provision.id


def test_what_rests_on_guidance_alone_says_should_and_the_rest_says_shall() -> None:
    for requirement in LAW.requirements:
        kinds = {LAW.provision(id, MID_2026).kind for id in requirement.provisions}
        assert (" bør " in requirement.nb) == (kinds == {"guidance"}), requirement.id
        assert (" should " in requirement.en) == (kinds == {"guidance"}), requirement.id


def test_what_nobody_has_read_in_the_source_is_marked_unverified() -> None:
    not_read = words(
        "AML-2-1 AML-2A-4 AML-5-2 AML-7-1-4 AML-7-2-6 AML-9-1 IKF-4 FUA-2026-1 FUA-2026-3 GDPR-9-2-b"
    )
    assert {LAW.provision(id, MID_2026).confidence for id in not_read} == {"unverified"}
    read = words("AML-3-1-2-c AML-3-5 AML-4-3-1 AML-6-1 AML-6-2 OLM-3-16 OLM-7-1 IKF-5-8 AML-18-10")
    assert {LAW.provision(id, MID_2026).confidence for id in read} == {"verified"}


@pytest.mark.parametrize("letter", "abcd")
def test_the_letters_of_the_statutory_factors_are_marked_as_unverified_lettering(letter: str) -> None:
    factor = LAW.provision(f"AML-4-3-2-{letter}", MID_2026)
    assert factor.confidence == "unverified"
    assert "lettering unverified" in factor.source


# --- The law changes by date -----------------------------------------------------------------------


def test_the_psychosocial_paragraphs_moved_on_1_january_2026() -> None:
    last, first = date(2025, 12, 31), date(2026, 1, 1)
    assert "integritet" in LAW.provision("AML-4-3-1", last).nb
    assert "psykososiale arbeidsmiljøfaktorene" in LAW.provision("AML-4-3-1", first).nb
    assert "trakassering" in LAW.provision("AML-4-3-3", last).nb
    assert "trakassering" in LAW.provision("AML-4-3-5", first).nb
    with pytest.raises(LawError, match=r"not in force on 2025-12-31; the register has it from 2026-01-01\."):
        LAW.provision("AML-4-3-2-a", last)


def test_the_new_part_on_the_psychosocial_environment_follows_chapter_23a_without_a_gap() -> None:
    last, first = date(2025, 12, 31), date(2026, 1, 1)
    violence = {p.id for p in LAW.in_force(last) if p.id.startswith("FUA")}
    assert violence == {"FUA-23A", *(f"FUA-23A-{n}" for n in range(1, 6))}
    assert {p.id for p in LAW.in_force(first) if p.id.startswith("FUA")} == {
        "FUA-2026",
        *(f"FUA-2026-{n}" for n in range(1, 4)),
    }


PINNED = [
    ("safety_rep", 10, 5, "everyone", "at_least"),
    ("wec", 50, 30, "year_average_20h", "at_least"),
    ("wec_on_demand", 20, 10, "year_average_20h", "at_least"),
    ("whistleblowing_routine", 5, 5, "everyone", "at_least"),
    ("section_8_1", 50, 50, "everyone", "at_least"),
    ("ldl_26_private", 50, 50, "everyone", "more_than"),
    ("ldl_26_on_demand", 20, 20, "everyone", "at_least"),
]


@pytest.mark.parametrize(("id", "in_2023", "since_2024", "counting", "comparison"), PINNED)
def test_the_thresholds_before_and_after_1_january_2024(
    id: str, in_2023: int, since_2024: int, counting: str, comparison: str
) -> None:
    assert LAW.threshold(id, MID_2023).value == in_2023
    assert LAW.threshold(id, date(2023, 12, 31)).value == in_2023
    for day in (date(2024, 1, 1), MID_2026, MID_2027):
        threshold = LAW.threshold(id, day)
        assert (threshold.value, threshold.counting, threshold.comparison) == (
            since_2024,
            counting,
            comparison,
        )


# --- Traps seen in public material -----------------------------------------------------------------


def test_no_stale_threshold_of_10_or_50_for_representatives_and_committees_holds_in_2027() -> None:
    assert "fem" in LAW.provision("AML-6-1", MID_2027).nb
    assert "færre enn ti" not in LAW.provision("AML-6-1", MID_2027).nb
    assert not {"50", "20"} & set(re.findall(r"\d+", LAW.provision("AML-7-1", MID_2027).nb))
    assert "færre enn ti" in LAW.provision("AML-6-1", MID_2023).nb
    assert {"50", "20"} <= set(re.findall(r"\d+", LAW.provision("AML-7-1", MID_2023).nb))


def test_the_fine_ceiling_is_50_g_or_4_percent_from_1_july_2024_and_15_g_before() -> None:
    assert "15 G" in LAW.provision("AML-18-10", date(2024, 6, 30)).nb
    ceiling = LAW.provision("AML-18-10", date(2024, 7, 1)).nb
    assert "50 G" in ceiling
    assert "4 prosent" in ceiling
    assert not [p.id for p in LAW.in_force(MID_2027) if "15 G" in p.nb or "15 G" in p.en]


def test_the_yearly_report_of_the_committee_is_7_2_sixth_paragraph_and_nothing_else() -> None:
    assert LAW.requirement("R-38").provisions == ("AML-7-2-6",)
    assert "hvert år" in LAW.provision("AML-7-2-6", MID_2027).nb
    assert "arbeidstidsordninger" in LAW.provision("AML-7-2-2-f", MID_2027).nb
    assert "opplæring" in LAW.provision("AML-7-4", MID_2027).nb


def test_the_whistleblowing_routine_is_2a_6_and_2a_3_is_the_duty_to_investigate() -> None:
    assert LAW.requirement("R-13").provisions == ("AML-2A-6",)
    assert LAW.threshold("whistleblowing_routine", MID_2027).provision == "AML-2A-6"
    assert "undersøkt" in LAW.provision("AML-2A-3", MID_2027).nb
    assert "rutine" not in LAW.provision("AML-2A-3", MID_2027).nb


def test_the_top_manager_s_training_has_no_hour_rule() -> None:
    training, requirement = LAW.provision("AML-3-5", MID_2027), LAW.requirement("R-09")
    texts = [training.nb, training.en, requirement.nb, requirement.en, requirement.documented.nb]
    assert not [t for t in texts if re.search(r"\d", t)]
    assert requirement.provisions == ("AML-3-5",)


def test_no_requirement_states_a_head_count_so_that_a_new_threshold_is_one_new_row() -> None:
    for r in LAW.requirements:
        texts = [r.nb, r.en, *((r.condition.nb, r.condition.en) if r.condition else ())]
        allowed = {"R-10": {"40"}, "R-32": {"8", "1"}, "R-44": {"26"}}.get(r.id, set())
        assert {n for t in texts for n in re.findall(r"\d+", t)} <= allowed, r.id


# --- Questions the register cannot answer ----------------------------------------------------------


def test_an_unknown_provision_is_named_with_those_like_it() -> None:
    with pytest.raises(
        LawError, match=r"no provision 'AML-7-2-7'\. Did you mean .*AML-7-2-6.*Correct the id"
    ):
        LAW.provision("AML-7-2-7", MID_2027)


def test_a_provision_in_the_wrong_case_finds_its_neighbour() -> None:
    with pytest.raises(LawError, match="Did you mean IKF-5-4"):
        LAW.provision("ikf-5-4", MID_2027)


def test_a_repealed_provision_says_when_it_was_in_force() -> None:
    with pytest.raises(
        LawError, match=r"FUA-23A-1 is not in force on 2027-06-01.*from 2017-01-01 to 2026-01-01"
    ):
        LAW.provision("FUA-23A-1", MID_2027)


def test_a_threshold_before_the_act_is_refused_with_its_periods() -> None:
    with pytest.raises(
        LawError, match=r"wec is not in force on 2005-12-31.*from 2006-01-01 to 2024-01-01; from 2024"
    ):
        LAW.threshold("wec", date(2005, 12, 31))


def test_an_unknown_threshold_and_an_unknown_requirement_are_named() -> None:
    with pytest.raises(LawError, match=r"no threshold 'safety_reps'\. Did you mean safety_rep\?"):
        LAW.threshold("safety_reps", MID_2027)
    with pytest.raises(LawError, match=r"no requirement 'R-49'\. Did you mean R-4"):
        LAW.requirement("R-49")


# --- Laws of the register --------------------------------------------------------------------------


days = st.dates(date(2000, 1, 1), date(2040, 12, 31))
ends = st.lists(days, min_size=2, max_size=6, unique=True).map(sorted)


def versions(periods: list[tuple[date, date]]) -> str:
    rows = [
        PROVISION.replace("2024-01-01", f"{a}\nvalid_to = {b}").replace("Verneombud.", str(a))
        for a, b in periods
    ]
    return 'version = "test"\n' + "".join(rows)


@given(ends, st.randoms(use_true_random=False), days)
def test_on_any_day_exactly_the_version_of_that_day_applies(
    ends: list[date], random: Random, day: date
) -> None:
    periods = list(pairwise(ends))
    random.shuffle(periods)
    register = parse_law(versions(periods))
    expected = [str(a) for a, b in periods if a <= day < b]
    assert [p.nb for p in register.in_force(day)] == expected
    if expected:
        assert register.provision("AML-6-1", day).nb == expected[0]
    else:
        with pytest.raises(LawError, match="not in force"):
            register.provision("AML-6-1", day)


@given(ends.filter(lambda ends: len(ends) > 2), st.data())
def test_versions_that_overlap_by_a_single_day_are_refused(ends: list[date], data: st.DataObject) -> None:
    periods = list(pairwise(ends))
    at = data.draw(st.integers(0, len(periods) - 2))
    periods[at] = (periods[at][0], periods[at][1] + timedelta(days=1))
    periods = data.draw(st.permutations(periods))
    with pytest.raises(LawError, match="AML-6-1 holds twice at once"):
        parse_law(versions(periods))


def test_the_hash_ignores_how_the_file_is_laid_out() -> None:
    expected = parse_law(SMALL).content_hash
    assert re.fullmatch(r"[0-9a-f]{64}", expected)
    comments = "# a comment\n" + SMALL.replace("\n", "  # here\n")
    assert parse_law(comments).content_hash == expected
    assert (
        parse_law(SMALL.replace(" = ", "=").replace('"Verneombud."', "'Verneombud.'")).content_hash
        == expected
    )
    assert parse_law('version = "test"\n' + THRESHOLD + REQUIREMENT + PROVISION).content_hash == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"test"', '"test 2"'),
        ("§ 6-1", "§ 6-1 første ledd"),
        ("Verneombud.", "Verneombud"),
        ("Safety representative.", "Safety Representative."),
        ('"BHTSV"', '"BHTSV, NHO-VO"'),
        ('"verified"', '"unverified"'),
        ("Velge", "Å velge"),
        ('en = "all"', 'en = "everybody"'),
        ('"hard"', '"soft"'),
        ('["S0"]', '["S0", "S1"]'),
        ("value = 5", "value = 6"),
        ("at_least", "more_than"),
        ("valid_from = 2024-01-01", "valid_from = 2024-01-02"),
        ("valid_from = 2024-01-01", "valid_from = 2024-01-01\nvalid_to = 2030-01-01"),
    ],
)
def test_the_hash_changes_with_any_text(old: str, new: str) -> None:
    assert parse_law(changed(old, new)).content_hash != parse_law(SMALL).content_hash


def test_the_rows_stand_in_the_order_of_the_law_whatever_their_order_in_the_file() -> None:
    rows = [PROVISION.replace("AML-6-1", id) for id in ("AML-18-10", "AML-2A-3", "AML-2-3-2-b", "AML-2-3-1")]
    rows.append(
        PROVISION.replace("AML-6-1", "AML-2-3-1").replace("2024-01-01", "2006-01-01\nvalid_to = 2024-01-01")
    )
    register = parse_law('version = "test"' + "".join(rows))
    assert [(p.id, p.valid_from.year) for p in register.provisions] == [
        ("AML-2-3-1", 2006),
        ("AML-2-3-1", 2024),
        ("AML-2-3-2-b", 2024),
        ("AML-2A-3", 2024),
        ("AML-18-10", 2024),
    ]
    assert parse_law('version = "test"' + "".join(rows[::-1])).content_hash == register.content_hash


def test_the_hash_of_a_register_stays_what_running_cycles_have_pinned() -> None:
    assert parse_law(SMALL).content_hash == "066e0e51a3c98672ed130aa11fbdd919805806cdf35f5265bc2ddd24c7b3802e"


def test_a_register_survives_being_stored_as_json() -> None:
    again = LegalRegister.model_validate_json(LAW.model_dump_json())
    assert again == LAW
    assert again.content_hash == LAW.content_hash


def test_an_unknown_programme_is_refused_with_the_shipped_ones_and_no_way_out_of_the_folder() -> None:
    for name in ("standrad", "../law", ""):
        with pytest.raises(ValueError, match="choose one of"):
            programme_text(name)
