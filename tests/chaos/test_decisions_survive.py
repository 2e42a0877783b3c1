"""Whatever dies, and whenever: what a person was told is decided is decided, once, and opens its gate once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos.audit import Evidence, Mail, count
from tests.chaos.errands import Errand, Line
from tests.chaos.siege import Plan, Siege
from tests.chaos.world import MORNING, World
from workflows.rules.events import (
    AttemptRefused,
    Body,
    DecisionRecorded,
    EvidenceSubmitted,
    Fact,
    Informed,
    StepClosed,
)
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome, Refusal

PLAN = Plan(
    seed=3,
    units=6,
    deciders=2,
    kills={"worker": 2, "server": 1, "outbox": 1},
    chance=0.02,
    patience=240,
)


async def test_no_decision_is_lost_or_doubled_while_everything_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    report = await Siege(PLAN, tmp_path, "sqlite", said.append).run()
    assert report.faults == [], said
    assert report.figures["decisions in the ledger"] == report.figures["decisions that were due"] == 26
    assert report.figures["gates opened"] == 13


def test_the_same_seed_kills_the_same_at_the_same_progress() -> None:
    assert PLAN.schedule(26) == PLAN.schedule(26)
    assert [victim for _, victim in PLAN.schedule(26)].count("worker") == 2
    assert all(0 <= at < 26 for at, _ in PLAN.schedule(26))


# --- the count itself: one unit's gate in a ledger made by hand ------------------------------------

WORLD = World(
    folder=Path("/nowhere"), database_url=None, seed=1, units=1, deciders=1, ahead=timedelta(0), address="",
    mail_port=25,
)  # fmt: skip
CYCLE = WORLD.cycles[0]
HASH, OTHER = "a" * 64, "b" * 64


def errand(what: str, role: Role, person: str, outcome: Outcome | None, **changes: object) -> Errand:
    given: dict[str, object] = {
        "cycle": CYCLE, "step": "Y02", "what": what, "role": role, "person": person, "document": HASH,
        "version": 1, "outcome": outcome, "remark": False, "twice": False, "again": False, "junk": False,
        "by_signal": False,
    }  # fmt: skip
    return Errand.model_validate(given | changes)


CONSULTED = errand("consult", Role.SAFETY_REP, "p4", Outcome.AGREED)
APPROVES = errand("approve", Role.MANAGER, "p3", Outcome.APPROVED)


def fact(id: str, body: Body, actor: str = "system") -> Fact:
    return Fact(
        id=id, employer=WORLD.employer, cycle=CYCLE, step="Y02", concerns=MORNING, recorded=MORNING, actor=actor,
        body=body,
    )  # fmt: skip


def decided(by: Errand, kind: Kind, id: str | None = None) -> Fact:
    assert by.outcome is not None
    body = DecisionRecorded(role=by.role, asked=kind, outcome=by.outcome, document=HASH, version=1)
    return fact(id or by.fact(by.nonce), body, by.person)


FILED = fact("filed", EvidenceSubmitted(document=HASH, version=1), "p3")
HEARD, APPROVED = decided(CONSULTED, Kind.CONSULT), decided(APPROVES, Kind.APPROVE)
CLOSED = fact("closed", StepClosed(document=HASH, version=1, late=False))
TOLD = fact("informed", Informed(roles=(Role.MANAGER,), people=("p3",)))
SOUND = (FILED, HEARD, APPROVED, CLOSED, TOLD)


def acknowledged(of: Errand, how: str = "door", **more: object) -> list[Line]:
    seqs = {f.id: seq for seq, f in enumerate(SOUND, 1)}
    id = of.fact(of.nonce)
    given: dict[str, object] = {"errand": of, "how": how}
    if how == "door":
        given |= {"fact": id, "seq": seqs[id]}
    return [
        Line.model_validate({"kind": kind, **(given if kind == "acknowledged" else {"errand": of, "how": how}), **more})
        for kind in ("tried", "acknowledged")
    ]  # fmt: skip


def faults(
    facts: tuple[Fact, ...] = SOUND,
    journal: list[Line] | None = None,
    mails: tuple[Mail, ...] = (Mail("<1>", "p3", (5,)),),
    deaths: int = 0,
) -> list[str]:
    """What the count finds in that one gate; the other gates of the unit and the employer never open here."""
    lines = [*acknowledged(CONSULTED), *acknowledged(APPROVES)] if journal is None else journal
    report = count(Evidence(WORLD, lines, mails, deaths), list(enumerate(facts, 1)))
    return [fault for fault in report.faults if "Y03" not in fault and "Y01" not in fault]


def test_a_sound_gate_has_no_fault() -> None:
    assert faults() == []


def test_an_acknowledged_decision_that_is_not_in_the_ledger_is_seen() -> None:
    [lost, _gate, *_] = faults((FILED, TOLD, APPROVED, CLOSED))
    assert "nowhere" in lost
    assert "consult" in lost


def test_an_acknowledged_decision_that_was_refused_is_seen() -> None:
    refused = fact(HEARD.id, AttemptRefused(attempt="decision", reason=Refusal.EXPIRED), "p4")
    assert any("acknowledged by door" in f for f in faults((FILED, refused, APPROVED, CLOSED, TOLD)))


def test_a_doubled_decision_is_seen() -> None:
    twice = decided(CONSULTED, Kind.CONSULT, "another id")
    assert any("decision_recorded consult 2 times" in f for f in faults((*SOUND, twice)))


@pytest.mark.parametrize("missing", [HEARD, APPROVED])
def test_a_gate_that_opened_with_one_decision_is_seen(missing: Fact) -> None:
    left = tuple(f for f in SOUND if f is not missing)
    assert any("closed was closed after" in f for f in faults(left, journal=[]))


def test_a_gate_that_opened_twice_or_never_is_seen() -> None:
    assert any("closed 2 times" in f for f in faults((*SOUND, CLOSED.model_copy(update={"id": "again"}))))
    assert any("closed 0 times" in f for f in faults((FILED, HEARD, APPROVED)))


def test_a_second_nonce_that_was_accepted_is_seen() -> None:
    again = Line(kind="acknowledged", errand=CONSULTED, how="again")
    also = decided(CONSULTED, Kind.CONSULT, CONSULTED.fact(CONSULTED.other_nonce))
    found = faults((*SOUND, also), [*acknowledged(CONSULTED), *acknowledged(APPROVES), again])
    assert any("acknowledged by again" in f for f in found)


def test_a_signal_that_the_server_took_and_nobody_recorded_is_seen() -> None:
    lines = acknowledged(CONSULTED, "signal", digest=OTHER)
    replayed = fact("replay", AttemptRefused(attempt="decision", reason=Refusal.REPLAYED, input=OTHER), "p4")
    assert faults(journal=lines) == []
    assert any("taken 2 times" in f for f in faults(journal=lines * 2))
    assert faults((*SOUND, replayed), journal=lines * 2) == []
    junk = acknowledged(CONSULTED, "junk", digest=HASH)
    assert any("junk" in f for f in faults(journal=junk))


def test_mail_that_is_missing_or_tells_the_same_twice_or_comes_too_often_is_seen() -> None:
    mail = Mail("<1>", "p3", (5,))
    assert any("was not told" in f for f in faults(mails=()))
    assert any("in 2 messages" in f for f in faults(mails=(mail, Mail("<2>", "p3", (5,)))))
    assert any("came twice" in f for f in faults(mails=(mail, mail)))
    assert faults(mails=(mail, mail), deaths=1) == []
