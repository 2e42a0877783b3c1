"""The standard year, held against hms-domain.md § 2.2, step by step."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from standard_year import PROGRAMME, STEPS, in_profile

from workflows.rules.organisation import Profile, Role
from workflows.rules.programme import Kind, Level, Stage

# Typed by hand from hms-domain.md § 2.2: opens, due, owner, sign-off. Where the page writes only a letter,
# those who take part are meant; "D →" informs those whom the report goes to.
TABLE = {
    "Y01": ("2 Jan", "15 Jan", "HR", "A HR; I VO"),
    "Y02": ("2 Jan", "20 Jan", "HR", "A toppleder; C HVO"),
    "Y03": ("5 Jan", "31 Jan", "BHT", "I AMU"),
    "Y04": ("5 Jan", "31 Jan", "HR", "I VO, AMU"),
    "Y05": ("10 Jan", "10 Feb", "toppleder", "A toppleder; C HVO; D AMU"),
    "Y06": ("10 Jan", "15 Feb", "HR", "A toppleder; C HVO"),
    "Y07": ("–", "28 Feb", "AMU-leder", "D AMU"),
    "Y08": ("10 Jan", "28 Feb", "AMU-leder", "D AMU; I styret, fagforeninger"),
    "Y09": ("10 Jan", "28 Feb", "HR", "A HR; D AMU"),
    "Y10": ("1 Mar", "31 Mar", "leder", "C VO"),
    "Y11": ("1 Feb", "10 Mar", "HR", "A HR; C HVO; I all"),
    "Y12": ("2nd Mon Mar", "+21 d, never past 1 Jun", "HR", "–"),
    "Y13": ("+14 d", "+35 d", "leder", "C VO"),
    "Y14": ("1 Mar", "30 Apr", "leder", "C VO, tillitsvalgt"),
    "Y15": ("after Y13", "20 May", "leder", "A leder; C VO"),
    "Y16": ("after Y15", "5 Jun", "leder", "A leder; C VO"),
    "Y17": ("–", "15 Jun", "AMU-leder", "D AMU"),
    "Y18": ("1 Apr", "30 Apr", "HR", "I VO"),
    "Y19": ("1 Jun", "20 Jun", "leder", "C VO"),
    "Y20": ("15 Aug", "20 Sep", "leder", "A leder; C VO"),
    "Y21": ("15 Aug", "31 Oct", "leder", "–"),
    "Y22": ("1 Jul", "31 Aug", "HR", "I VO"),
    "Y23": ("1 Sep", "30 Sep", "leder", "C VO"),
    "Y24": ("–", "30 Sep", "AMU-leder", "D AMU"),
    "Y25": ("1 Sep", "31 Oct", "HR", "A toppleder; C HVO"),
    "Y26": ("1 Oct", "31 Oct", "HR", "A HR"),
    "Y27": ("1 Oct", "31 Oct", "HR", "I VO"),
    "Y28": ("1 Sep / 1 Nov", "30 Sep / 30 Nov", "leder", "C VO"),
    "Y29": ("per action", "15 Nov", "tiltakseier", "A leder; C VO"),
    "Y30": ("1 Nov", "5 Dec", "toppleder", "A toppleder; C HVO"),
    "Y31": ("–", "15 Dec", "AMU-leder", "D AMU"),
    "Y32": ("10 Dec", "20 Dec", "compliance", "A HR; I all"),
    "Y33": ("1 Jan", "30 Jun", "HR", "A styret"),
}

# The participants of the same table, without the owner; «employees» stands for the team too.
PARTICIPANTS = {
    "Y01": "", "Y02": "HVO", "Y03": "HR", "Y04": "VO, AMU", "Y05": "HVO, AMU, HR", "Y06": "VO, BHT",
    "Y07": "AMU", "Y08": "AMU", "Y09": "BHT, AMU", "Y10": "VO", "Y11": "HVO, DPO", "Y12": "employees",
    "Y13": "employees, VO", "Y14": "VO, tillitsvalgt", "Y15": "VO, employees, BHT", "Y16": "VO, employees",
    "Y17": "AMU", "Y18": "VO", "Y19": "VO", "Y20": "VO, AMU, BHT", "Y21": "employees", "Y22": "VO",
    "Y23": "VO", "Y24": "AMU", "Y25": "HVO, tillitsvalgt", "Y26": "HVO", "Y27": "VO", "Y28": "VO",
    "Y29": "VO, employees", "Y30": "HVO, AMU, HR, BHT", "Y31": "AMU", "Y32": "HVO", "Y33": "tillitsvalgt",
}  # fmt: skip

NAMES = {
    "Y01": "Terskelkontroll (VO/AMU/BHT/§ 8/LDL)",
    "Y05": "HMS-mål og akseptkriterier",
    "Y07": "AMU-møte 1 (årsplan, BHT-plan, årsrapport)",
    "Y15": "Risikovurdering psykososialt",
    "Y16": "Handlingsplan",
    "Y21": "Medarbeidersamtaler",
    "Y25": "Varslings- og trakasseringsrutine gjennomgått",
    "Y29": "Effektevaluering av tiltak",
    "Y33": "LDL § 26-redegjørelse",
}

UNIT_STEPS = {"Y10", "Y13", "Y14", "Y15", "Y16", "Y19", "Y20", "Y21", "Y23", "Y28", "Y29"}
# What the table's words for a day come to, where they are not a plain date.
DAYS = {
    "–": "due - 21 d",
    "2nd Mon Mar": "2nd monday of march",
    "+21 d, never past 1 Jun": "opens + 21 d, at latest 06-01",
    "+14 d": "Y12 + 14 d",
    "+35 d": "Y12 + 35 d",
    "after Y13": "Y13 + 1 d",
    "after Y15": "Y15 + 1 d",
    "per action": "10-15",
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

OWNERS = {
    "HR": Role.HR,
    "compliance": Role.HR,
    "toppleder": Role.TOP_MANAGER,
    "AMU-leder": Role.WEC_CHAIR,
    "BHT": Role.OHS,
    "leder": Role.MANAGER,
    "tiltakseier": Role.MANAGER,
}


def day(words: str) -> str:
    if words in DAYS:
        return DAYS[words]
    number, month = words.split()
    return f"{MONTHS.index(month) + 1:02}-{int(number):02}"


def representative(level: Level) -> Role:
    return Role.SAFETY_REP if level is Level.UNIT else Role.SENIOR_SAFETY_REP


def sign_off(cell: str, level: Level) -> tuple[set[tuple[Kind, Role]], set[Role]]:
    """The gate and the informed that one cell of the table asks for."""
    people = {
        "HR": Role.HR,
        "toppleder": Role.TOP_MANAGER,
        "leder": Role.MANAGER,
        "styret": Role.BOARD,
        "VO": representative(level),
        "HVO": Role.SENIOR_SAFETY_REP,
        "AMU": Role.WEC_CHAIR,
        "tillitsvalgt": Role.UNION_REP,
        "fagforeninger": Role.UNION_REP,
        "all": Role.EMPLOYEES,
    }
    kinds = {"A": Kind.APPROVE, "C": Kind.CONSULT, "D": Kind.TREAT}
    gate: set[tuple[Kind, Role]] = set()
    informed: set[Role] = set()
    for part in [] if cell == "–" else cell.split("; "):
        letter, names = part.split(" ", 1)
        for name in names.split(", "):
            if letter == "I":
                informed.add(Role.WEC if name == "AMU" else people[name])
            else:
                gate.add((kinds[letter], people[name]))
    return gate, informed


# --- § 2.2, step by step --------------------------------------------------------------------------


def test_the_year_has_the_thirty_three_steps_of_the_table_in_its_order() -> None:
    assert [s.id for s in PROGRAMME.steps] == list(TABLE)


@pytest.mark.parametrize("id", TABLE)
def test_a_step_opens_and_is_due_when_the_table_says(id: str) -> None:
    opens, due, _, _ = TABLE[id]
    expected = [(day(o), day(d)) for o, d in zip(opens.split(" / "), due.split(" / "), strict=True)]
    assert [(w.opens.text, w.due.text) for w in STEPS[id].windows] == expected


@pytest.mark.parametrize("id", TABLE)
def test_a_step_is_owned_by_whom_the_table_says(id: str) -> None:
    assert STEPS[id].owner is OWNERS[TABLE[id][2]]


@pytest.mark.parametrize("id", TABLE)
def test_a_step_asks_and_informs_whom_the_table_says(id: str) -> None:
    step = STEPS[id]
    gate, informed = sign_off(TABLE[id][3], step.level)
    assert {(s.kind, s.role) for s in step.gate} == gate
    assert len(step.gate) == len(gate), "nobody is asked twice in one gate"
    assert set(step.inform) == informed


@pytest.mark.parametrize("id", TABLE)
def test_those_take_part_whom_the_table_says(id: str) -> None:
    step = STEPS[id]
    roles = {
        "VO": representative(step.level),
        "HVO": Role.SENIOR_SAFETY_REP,
        "AMU": Role.WEC,
        "HR": Role.HR,
        "BHT": Role.OHS,
        "DPO": Role.DPO,
        "employees": Role.EMPLOYEES,
        "tillitsvalgt": Role.UNION_REP,
    }
    assert [*step.participants] == [roles[word] for word in PARTICIPANTS[id].split(", ") if word]


@pytest.mark.parametrize(("id", "name"), NAMES.items())
def test_a_step_bears_the_name_of_the_table(id: str, name: str) -> None:
    assert STEPS[id].name.nb == name


def test_what_the_manager_of_a_unit_owes_is_done_in_each_unit_and_the_rest_once() -> None:
    assert {s.id for s in PROGRAMME.steps if s.level is Level.UNIT} == UNIT_STEPS


def test_the_year_goes_through_all_seven_stages() -> None:
    assert {s.stage for s in PROGRAMME.steps} == set(Stage)


def test_the_stages_come_in_order_from_plan_to_review_along_the_main_line() -> None:
    line = ["Y06", "Y12", "Y13", "Y15", "Y16", "Y29", "Y30"]
    assert [STEPS[id].stage.value for id in line] == [
        "plan", "map", "inform", "assess", "act", "follow_up", "review",
    ]  # fmt: skip


def test_every_step_has_its_name_in_bokmal_nynorsk_and_english() -> None:
    for profile in Profile:
        for step in in_profile(profile):
            assert step.name.nn, f"{step.id} has no name in nynorsk for {profile}"
            assert step.name.en != step.name.nb, step.id


def test_reminders_and_escalation_are_those_of_the_table() -> None:
    ladder = PROGRAMME.ladder
    assert ladder.reminders == (14, 3, 0)
    assert [(r.days, r.to, r.deviation, r.wec_item) for r in ladder.rungs] == [
        (3, ("leader_of_owner",), False, False),
        (10, (Role.HR, Role.SAFETY_REP), True, False),
        (20, (Role.TOP_MANAGER,), False, True),
    ]


# --- the gates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", Profile)
def test_who_is_consulted_is_heard_before_anybody_approves(profile: Profile) -> None:
    for step in in_profile(profile):
        consulted = [s.order for s in step.gate if s.kind is Kind.CONSULT]
        approved = [s.order for s in step.gate if s.kind is Kind.APPROVE]
        assert not consulted or not approved or max(consulted) < min(approved), step.id


def test_the_committee_treats_what_has_been_approved() -> None:
    for id in ("Y05", "Y09"):
        order = {s.kind: s.order for s in STEPS[id].gate}
        assert order[Kind.APPROVE] < order[Kind.TREAT], id


@pytest.mark.parametrize("profile", Profile)
def test_the_orders_of_a_gate_leave_no_hole(profile: Profile) -> None:
    for step in in_profile(profile):
        orders = {s.order for s in step.gate}
        assert orders == set(range(1, len(orders) + 1)), step.id


def test_an_approval_needs_two_people_where_owner_and_approver_are_two_roles() -> None:
    for step in in_profile(Profile.LARGE):
        for slot in step.gate:
            assert slot.four_eyes == (slot.kind is Kind.APPROVE and slot.role is not step.owner), step.id


def test_a_step_without_sign_off_closes_when_its_evidence_is_filed() -> None:
    without = {id for id, row in TABLE.items() if not sign_off(row[3], Level.EMPLOYER)[0]}
    assert without == {"Y03", "Y04", "Y12", "Y18", "Y21", "Y22", "Y27"}
    for profile in Profile:
        assert {s.id for s in in_profile(profile) if not s.gate} == without, profile
