"""`forsvarlig retention`: the times that count, who decides them, and what goes when they are up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.worker.desk import Desk, Said
from workflows.rules.calendar import OSLO
from workflows.rules.events import AttemptRefused
from workflows.rules.record_facts import RetentionSet


def decide(
    desk: Desk, records: str, days: int, who: str = "hanne", why: str = "Vi trenger det ikke lenger"
) -> Said:
    return desk("retention", "set", records, str(days), "--as", who, "--comment", why)


def days_of(desk: Desk, records: str) -> int:
    rules = desk("retention", "show", "--format", "json").document["rules"]
    return next(rule["days"] for rule in rules if rule["records"] == records)


def test_the_times_are_shown_with_reasons_and_limits(desk: Desk) -> None:
    said = desk("retention", "show")
    assert said.code == 0, said.err
    assert "10 år" in said.out
    assert "alltid" in said.out
    assert "internkontrollforskriften § 5" in said.line
    english = desk("retention", "show", "--lang", "en")
    assert "They are needed as long as somebody may ask." in english.line


def test_a_longer_time_counts_at_once_and_a_shorter_one_after_a_month(desk: Desk) -> None:
    assert decide(desk, "mail", 500).code == 0
    assert days_of(desk, "mail") == 500
    said = decide(desk, "mail", 100)
    assert "gjelder om tretti dager" in said.line
    assert days_of(desk, "mail") == 500
    desk.now += timedelta(days=30)
    assert days_of(desk, "mail") == 100
    body = desk.facts("retention_set")[-1][1].body
    assert isinstance(body, RetentionSet)
    assert (body.records, body.days) == ("mail", 100)


@pytest.mark.parametrize(
    ("records", "days", "who", "remedy"),
    [
        ("mail", 10, "hanne", "Velg fra 30 til 1096 dager"),
        ("mail", 5000, "hanne", "Velg fra 30 til 1096 dager"),
        ("reading", 10, "hanne", "så lenge hovedboken finnes"),
        ("mail", 100, "kari", "øverste leder eller HR"),
        ("mail", 100, "per", "øverste leder eller HR"),
    ],
)
def test_a_time_outside_of_the_limits_or_by_others_is_refused(
    desk: Desk, records: str, days: int, who: str, remedy: str
) -> None:
    said = decide(desk, records, days, who)
    assert said.code == 4
    assert remedy in " ".join(said.err.split())
    body = desk.facts("attempt_refused")[-1][1].body
    assert isinstance(body, AttemptRefused)
    assert body.attempt == "retention"


def test_a_decision_without_a_reason_is_refused(desk: Desk) -> None:
    assert decide(desk, "mail", 100, why="  ").code == 4
    assert desk("retention", "set", "mail", "100", "--as", "hanne").code == 2
    assert desk.facts("retention_set") == []


def test_the_safety_representatives_are_told_of_a_new_time(desk: Desk) -> None:
    decide(desk, "text", 1200)
    seq = desk.facts("retention_set")[-1][0]

    async def receivers(mill: object) -> set[str]:
        async with mill.database.read() as reader:  # type: ignore[attr-defined]
            return {row.target for row in await reader.outbox_due(desk.now, 10_000) if row.fact_seq == seq}

    assert desk._with(receivers) == {"per", "vera"}


def test_what_is_due_is_shown_first_and_goes_when_it_is_run(desk: Desk) -> None:
    desk.file()
    assert "Ingenting er lagret lenge nok" in desk("retention", "run").out
    desk.now = datetime(2038, 1, 15, 9, tzinfo=OSLO)
    shown = desk("retention", "run", "--dry-run")
    assert "Dette ville blitt slettet:" in shown.out
    assert "dokumenter: 1, fra før" in shown.out
    assert desk.facts("document_erased") == []
    assert "Dette er slettet:" in desk("retention", "run").out
    assert len(desk.facts("document_erased")) == 1
    assert not [f for f in (desk.state / "documents").rglob("*") if f.is_file()]
    assert desk("retention", "run", "--format", "json").document["erased"] == []
    assert desk("db", "verify").code == 0
