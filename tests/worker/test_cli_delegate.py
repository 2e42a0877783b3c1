"""`forsvarlig delegate` and `forsvarlig absence`: who acts for whom, set and seen from the command line."""

from __future__ import annotations

from datetime import date

import pytest

from tests.activities.sawmill import NAMES
from tests.worker.desk import Desk
from workflows.rules.events import Asked, AttemptRefused, DecisionRecorded, EvidenceSubmitted, Fact
from workflows.rules.terms import Refusal

HAND_ON = ("delegate", "--as", "kari", "--to", "siri", "--until", "2027-03-19")


def bodies(desk: Desk, kind: str) -> list[Fact]:
    return [fact for _, fact in desk.facts(kind)]


def asked_last(desk: Desk, step: str) -> tuple[str, ...]:
    asked = [f.body for f in bodies(desk, "asked") if f.step == step]
    assert isinstance(asked[-1], Asked)
    return tuple(h.person for h in asked[-1].people)


def refusals(desk: Desk) -> list[Refusal]:
    return [f.body.reason for f in bodies(desk, "attempt_refused") if isinstance(f.body, AttemptRefused)]


def test_what_a_manager_hands_on_is_asked_of_the_other_at_once_and_of_the_manager_again_after_it(
    desk: Desk,
) -> None:
    assert asked_last(desk, "Y10") == ("kari",)
    said = desk(*HAND_ON)
    assert said.code == 0, said.err
    assert (
        "Kari Nordmann har gitt Siri Steinvik fullmakt fra 10. mars 2027 til og med 19. mars 2027. Den gjelder alt."
        in said.line
    )
    desk.go()
    assert asked_last(desk, "Y10") == ("siri",)
    desk.go(date(2027, 3, 19))
    assert asked_last(desk, "Y10") == ("siri",)
    desk.go(date(2027, 3, 20))
    assert asked_last(desk, "Y10") == ("kari",)


def test_both_names_stand_in_what_a_delegate_files_and_the_manager_may_still_do_it(desk: Desk) -> None:
    assert desk(*HAND_ON).code == 0
    desk.go()
    desk.file(who="siri")
    desk.file("En bedre utgave", who="kari")
    filed = [(f.actor, f.body) for f in bodies(desk, "evidence_submitted")]
    assert [(who, body.on_behalf_of) for who, body in filed if isinstance(body, EvidenceSubmitted)] == [
        ("siri", "kari"),
        ("kari", None),
    ]


def test_the_same_word_twice_hands_on_once(desk: Desk) -> None:
    first, again = (desk(*HAND_ON, "--nonce", "ferie", "--format", "json") for _ in range(2))
    assert (first.document["repeated"], again.document["repeated"]) == (False, True)
    assert first.document["delegation"] == again.document["delegation"]
    assert len(bodies(desk, "delegated")) == 1


def test_what_is_handed_on_already_is_refused_and_listed_once(desk: Desk) -> None:
    assert desk(*HAND_ON).code == 0
    said = desk(*HAND_ON)
    assert said.code == 4
    assert "Kari Nordmann har alt gitt Siri Steinvik den fullmakten." in " ".join(said.err.split())
    assert refusals(desk) == [Refusal.ALREADY_DECIDED]
    assert len(desk("delegate", "list", "--format", "json").document["delegations"]) == 1


def test_programs_read_what_was_handed_on_with_the_first_day_it_no_longer_holds(desk: Desk) -> None:
    made = desk(
        *HAND_ON, "--from", "12.03.2027", "--role", "manager", "--unit", "Sagbruk", "--step", "y10.1",
        "--format", "json",
    ).document  # fmt: skip
    assert made["schema"] == "forsvarlig/delegation/1"
    assert {k: made[k] for k in ("accepted", "person", "to", "since", "until", "role", "unit", "step")} == {
        "accepted": True, "person": "kari", "to": "siri", "since": "2027-03-12", "until": "2027-03-20",
        "role": "manager", "unit": "sagbruk", "step": "Y10",
    }  # fmt: skip
    listed = desk("delegate", "list", "--format", "json").document["delegations"]
    assert [(d["delegation"], d["in_force"]) for d in listed] == [(made["delegation"], False)]


def test_a_delegation_is_listed_until_it_is_over_and_then_on_demand(desk: Desk) -> None:
    assert "Ingen har gitt fullmakt." in desk("delegate", "list").out
    desk(*HAND_ON, "--step", "Y10")
    line = desk("delegate", "list").line
    for part in ("Nordmann", "Steinvik", "steg Y10", "10. mars 2027", "19. mars 2027"):
        assert part in line
    desk.go(date(2027, 3, 20))
    assert "Ingen har gitt fullmakt." in desk("delegate", "list").out
    assert "Steinvik" in desk("delegate", "list", "--all").out


@pytest.mark.parametrize("by", ["kari", "siri", "hanne", "toppen"])
def test_a_delegation_is_ended_before_its_time(desk: Desk, by: str) -> None:
    id = desk(*HAND_ON, "--format", "json").document["delegation"]
    desk.go()
    said = desk("delegate", "end", id, "--as", by)
    assert said.code == 0, said.err
    assert "gjelder ikke lenger fra 10. mars 2027" in said.line
    desk.go()
    assert asked_last(desk, "Y10") == ("kari",)
    assert desk("delegate", "list", "--format", "json").document["delegations"] == []


def test_a_colleague_ends_nobody_s_delegation_and_the_attempt_is_recorded(desk: Desk) -> None:
    id = desk(*HAND_ON, "--format", "json").document["delegation"]
    said = desk("delegate", "end", id, "--as", "w1")
    assert said.code == 4
    assert "Forsøket er ført" in said.err
    assert refusals(desk) == [Refusal.NOT_ELIGIBLE]


@pytest.mark.parametrize(
    ("arguments", "reason", "told"),
    [
        (("--as", "kari", "--to", "per"), "two_roles", "Per Hansen er valgt til verneombud eller vara"),
        (("--as", "kari", "--to", "kari"), "loop", "gått i ring"),
        (("--as", "per", "--to", "siri"), "not_delegable", "Det kan ikke gis fullmakt til verv"),
        (("--as", "kari", "--to", "siri", "--from", "2027-12-01"), "wrong_dates", "--from DATO --until DATO"),
        (("--as", "kari", "--to", "siri", "--role", "hr"), "not_eligible", "i roller du har"),
    ],
    ids=["to the safety representative", "to oneself", "an elected role", "backwards", "a role one has not"],
)
def test_a_refused_delegation_says_why_and_what_to_do_and_is_recorded(
    desk: Desk, arguments: tuple[str, ...], reason: str, told: str
) -> None:
    said = desk("delegate", *arguments, "--until", "2027-06-30")
    assert said.code == 4
    assert told in " ".join(said.err.split())
    assert refusals(desk) == [Refusal(reason)]
    as_json = desk("delegate", *arguments, "--until", "2027-06-30", "--format", "json")
    assert (as_json.code, as_json.document["accepted"], as_json.document["reason"]) == (4, False, reason)
    assert desk("delegate", "list", "--format", "json").document["delegations"] == []


def test_round_in_a_ring_of_three_is_refused(desk: Desk) -> None:
    for giver, taker in (("kari", "siri"), ("siri", "amund")):
        assert desk("delegate", "--as", giver, "--to", taker, "--until", "2027-06-30").code == 0
    said = desk("delegate", "--as", "amund", "--to", "kari", "--until", "2027-06-30")
    assert said.code == 4
    assert "gått i ring, eller gjennom flere enn 3 ledd" in " ".join(said.err.split())


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("delegate",), 2, "Det mangler --as, --to og --until."),
        (("delegate", "--as", "kari", "list"), 2, "Skriv valgene etter «list»."),
        ((*HAND_ON, "--step", "første"), 2, "«første» er ikke et steg"),
        ((*HAND_ON, "--step", "Y99"), 3, "Ingen av årene som går, har et steg Y99."),
        ((*HAND_ON, "--unit", "sagen"), 3, "sagen"),
        ((*HAND_ON, "--from", "i morgen"), 2, "i morgen"),
        (("delegate", "--as", "kari", "--to", "ingen", "--until", "2027-06-30"), 3, "Ingen i katalogen er «ingen»."),
        (("delegate", "end", "d-nix\x1b[31m", "--as", "kari"), 3, "Ingen fullmakt har id-en"),
        (("absence", "set", "--as", "kari"), 2, "--until"),
        (("absence", "set", "--as", "kari", "--until", "2027-06-30", "--substitute", "rød"), 3, "--substitute hanne"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anything_is_recorded(
    desk: Desk, arguments: tuple[str, ...], code: int, told: str
) -> None:
    before = len(desk.facts())
    said = desk(*arguments)
    assert (said.code, told in " ".join(said.err.split())) == (code, True), said.err
    assert "\x1b[31m" not in said.err
    assert len(desk.facts()) == before


# --- absence --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["kari", "hanne", "toppen"])
def test_the_substitute_of_somebody_who_is_away_is_asked_instead(desk: Desk, who: str) -> None:
    said = desk(
        "absence", "set", "--as", who, "--person", "kari", "--substitute", "siri", "--until", "2027-03-19"
    )
    assert said.code == 0, said.err
    assert (
        "Kari Nordmann er borte fra 10. mars 2027 til og med 19. mars 2027, og Siri Steinvik er vikar."
        in said.line
    )
    desk.go()
    assert asked_last(desk, "Y10") == ("siri",)
    desk.go(date(2027, 3, 20))
    assert asked_last(desk, "Y10") == ("kari",)


def test_without_a_substitute_the_top_manager_is_asked(desk: Desk) -> None:
    assert desk("absence", "set", "--as", "kari", "--until", "2027-03-19").code == 0
    desk.go()
    assert asked_last(desk, "Y10") == ("toppen",)


def test_a_safety_representative_is_away_by_own_word_and_the_deputy_is_asked(desk: Desk) -> None:
    said = desk("absence", "set", "--as", "hanne", "--person", "per", "--until", "2027-03-31")
    assert said.code == 4
    assert refusals(desk) == [Refusal.NOT_DELEGABLE]
    said = desk("absence", "set", "--as", "per", "--until", "2027-03-31")
    assert said.code == 0, said.err
    assert "der trer vara inn når Per Hansen er borte" in said.line
    desk.go()
    desk.file()
    assert asked_last(desk, "Y10") == ("vera",)
    said = desk("decide", "sagbruk", "Y10", "--as", "vera", "--outcome", "enig", "--yes")
    assert said.code == 0, said.err
    [decision] = [f.body for f in bodies(desk, "decision_recorded")]
    assert isinstance(decision, DecisionRecorded)
    assert decision.on_behalf_of == "per"


def test_whoever_comes_back_early_says_so(desk: Desk) -> None:
    away = ("absence", "set", "--as", "kari", "--substitute", "siri", "--from", "2027-03-10")
    for last in ("2027-03-31", "2027-03-11"):
        assert desk(*away, "--until", last).code == 0
    [row] = desk("absence", "list", "--format", "json").document["absences"]
    assert (row["until"], row["origin"], row["in_force"]) == ("2027-03-12", "command", True)
    desk.go(date(2027, 3, 12))
    assert asked_last(desk, "Y10") == ("kari",)


def test_absences_are_listed_with_where_they_come_from(desk: Desk) -> None:
    assert "Ingen er meldt borte." in desk("absence", "list").out
    desk("absence", "set", "--as", "kari", "--substitute", "siri", "--until", "2027-03-19")
    line = desk("absence", "list").line
    for part in ("Kilde", "Kari Nordmann", "Siri Steinvik", "10. mars 2027", "19. mars 2027", "kommando"):
        assert part in line


def test_org_show_tells_who_is_away_and_who_has_handed_on_that_day(desk: Desk) -> None:
    desk(*HAND_ON, "--role", "manager", "--unit", "sagbruk")
    desk("absence", "set", "--as", "hanne", "--until", "2027-03-12")
    line = desk("org", "show").line
    assert "Kari Nordmann har gitt Siri Steinvik fullmakt fra 10. mars 2027" in line
    assert "Den gjelder rollen som leder for Sagbruk." in line
    assert "Hanne Rød er borte fra 10. mars 2027 til og med 12. mars 2027, uten vikar." in line
    later = desk("org", "show", "--on", "2027-03-19", "--format", "json").document
    assert (len(later["absences"]), [d["to"] for d in later["delegations"]]) == (0, ["siri"])
    assert "fullmakter" not in desk("org", "show", "--on", "2027-03-20").out


def test_nobody_s_name_gets_into_the_ledger(desk: Desk) -> None:
    desk(*HAND_ON)
    desk("absence", "set", "--as", "hanne", "--substitute", "siri", "--until", "2027-03-12")
    desk("delegate", "--as", "kari", "--to", "per", "--until", "2027-06-30")
    text = "".join(fact.model_dump_json(exclude={"signed"}) for _, fact in desk.facts())
    assert not [name for name in NAMES.values() if name in text]
