"""The lines of a bundle: facts after facts and texts under them, and what becomes of damage."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.ledger import verify
from activities.ledger.log import canonical
from tests.ledger.bitflips import a_year, damaged, run
from tests.ledger.bundles import Ledger, beginning, checked, small_year, verified
from workflows.rules.events import CycleStarted, StepOpened

Writing = Callable[[Ledger], object]


def assert_the_copy_is_blamed(writing: Writing, said: str) -> None:
    """A good ledger that is written on like this has a fault that says so, and what to do with such a copy."""
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 1
    assert said in found.faults, found.out
    assert verify.COPY in found.faults


def opened() -> StepOpened:
    return StepOpened(due=date(2027, 2, 12))


# --- facts ----------------------------------------------------------------------------------------


def twice_the_same_id(ledger: Ledger) -> None:
    ledger.add(ledger.fact(opened(), id="f3"))
    ledger.add(ledger.fact(opened(), id="f3"))


def twice_in_one_place(ledger: Ledger) -> None:
    ledger.system()
    ledger.rewrite(lambda fact: fact.update(seq=4))


def of_another_version(ledger: Ledger) -> None:
    ledger.system()
    ledger.rewrite(lambda fact: fact.update(v=2))


def of_another_employer(ledger: Ledger) -> None:
    ledger.add(ledger.fact(opened(), employer="annen"))


def of_a_rehearsal(ledger: Ledger) -> None:
    ledger.system()
    ledger.rewrite(lambda fact: fact["body"].update(kind="cycle_started", rehearsal=True))


def no_json(ledger: Ledger) -> None:
    ledger.add_leaf(b"ikke JSON")


def deep_json(ledger: Ledger) -> None:
    ledger.add_leaf(b"[" * 100_000)


def no_fact(ledger: Ledger) -> None:
    ledger.add_leaf(b"{}")


def with_a_space(ledger: Ledger) -> None:
    ledger.system()
    ledger.put(ledger.leaves.pop().replace(b":", b": ", 1))


def in_another_order(ledger: Ledger) -> None:
    ledger.system()
    leaf = ledger.leaves.pop()
    ledger.put(b'{"v":1,' + leaf[1:].replace(b',"v":1', b"", 1))


def with_a_name_twice(ledger: Ledger) -> None:
    """Whoever reads it may take the one or the other."""
    ledger.system()
    ledger.put(b'{"actor":"per",' + ledger.leaves.pop()[1:])


def with_letters_spelled_out(ledger: Ledger) -> None:
    ledger.add(ledger.fact(opened(), id="på nytt"))
    ledger.put(ledger.leaves.pop().replace("på".encode(), b"p\\u00e5"))


def back_dated(ledger: Ledger) -> None:
    ledger.now -= timedelta(minutes=30)
    ledger.system()
    ledger.now += timedelta(minutes=40)


def a_second_before_the_fact_before_it(ledger: Ledger) -> None:
    ledger.system()
    ledger.add(ledger.fact(opened(), recorded=ledger.now - timedelta(seconds=1)))


def long_before_the_checkpoint_before_it(ledger: Ledger) -> None:
    """It comes after the fact before it, and so does everything that is written long afterwards."""
    ledger.system()
    ledger.now += timedelta(minutes=3)
    ledger.checkpoint()
    ledger.now -= timedelta(minutes=2, seconds=61)
    ledger.system()
    ledger.now += timedelta(minutes=10)


@pytest.mark.parametrize(
    ("writing", "said"),
    [
        (twice_the_same_id, "leaf 6 is out of place, or there twice"),
        (twice_in_one_place, "leaf 5 is out of place, or there twice"),
        (of_another_version, "leaf 5 is out of place, or there twice"),
        (of_another_employer, "leaf 5 is of another ledger"),
        (of_a_rehearsal, "leaf 5 is of another ledger"),
        (no_json, "leaf 5 cannot be read"),
        (deep_json, "leaf 5 cannot be read"),
        (no_fact, "leaf 5 cannot be read: KeyError('body')"),
        (with_a_space, "leaf 5 could be written otherwise"),
        (in_another_order, "leaf 5 could be written otherwise"),
        (with_a_name_twice, "leaf 5 could be written otherwise"),
        (with_letters_spelled_out, "leaf 5 could be written otherwise"),
        (back_dated, "leaf 5 is back-dated"),
        (a_second_before_the_fact_before_it, "leaf 6 is back-dated"),
        (long_before_the_checkpoint_before_it, "leaf 6 is back-dated"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fact_that_may_not_stand_there_is_named(writing: Writing, said: str) -> None:
    assert_the_copy_is_blamed(writing, said)


def test_the_first_fact_is_named_as_any_other() -> None:
    ledger = Ledger()
    of_another_version(ledger)
    ledger.rewrite(lambda fact: fact.update(seq=2))
    ledger.begin()
    assert "leaf 1 is out of place" in checked(ledger).faults


def at_the_time_of_the_fact_before(ledger: Ledger) -> None:
    ledger.add(ledger.fact(opened(), recorded=ledger.now))


def two_minutes_before_the_checkpoint_before(ledger: Ledger) -> None:
    ledger.system()
    ledger.now += timedelta(minutes=3)
    ledger.checkpoint()
    ledger.now -= timedelta(minutes=3)
    ledger.system()
    ledger.now += timedelta(minutes=3)


def while_the_clock_had_run_back(ledger: Ledger) -> None:
    long_before_the_checkpoint_before_it(ledger)
    ledger.rewrite(lambda fact: fact.update(clock="ran_back"))


def with_letters_as_they_are(ledger: Ledger) -> None:
    ledger.add(ledger.fact(opened(), id="på nytt"))


@pytest.mark.parametrize(
    "writing",
    [
        at_the_time_of_the_fact_before, two_minutes_before_the_checkpoint_before,
        while_the_clock_had_run_back, with_letters_as_they_are,
    ],
    ids=lambda value: value.__name__,
)  # fmt: skip
def test_a_fact_that_may_stand_there_is_none(writing: Writing) -> None:
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 0, found.out


def test_a_rehearsal_has_its_own_ledger_and_its_own_time() -> None:
    """Its year is over in minutes, and its checkpoints are made at another time than its facts."""
    ledger = Ledger(origin="forsvarlig/rehearsal/923609016/nordfjord-tre")
    ledger.begin()
    started: dict[str, Any] = {"programme": "ab" * 32, "law": "ab" * 32, "organisation": "ab" * 32}
    profile = {"employees": 30}
    for rehearsal in (True, False):
        ledger.system()
        ledger.rewrite(
            lambda fact, rehearsal=rehearsal: fact.update(
                body={"kind": "cycle_started", **started, "profile": profile, "rehearsal": rehearsal}
            )
        )
    ledger.checkpoint(time=ledger.now + timedelta(days=400))
    ledger.system()
    ledger.checkpoint(time=ledger.now + timedelta(days=401))
    found = verified(ledger.bundle())
    assert CycleStarted.model_fields["rehearsal"].default is False
    assert found.faults.startswith("\nleaf 4 is of another ledger\n  -> ")
    assert "1 faults" in found.out


# --- texts ----------------------------------------------------------------------------------------


def a_text_that_was_never_erased(ledger: Ledger) -> None:
    ledger.decide("per", "Uenig.")
    ledger.erase("kari", *ledger.texts, silently=True)


def a_text_that_was_erased_and_is_there(ledger: Ledger) -> None:
    ledger.decide("per", "Uenig.")
    under = dict(ledger.under)
    ledger.erase("kari", *ledger.texts)
    ledger.under = under


def a_text_that_was_erased_and_is_said_to_be_kept(ledger: Ledger) -> None:
    a_text_that_was_erased_and_is_there(ledger)
    ledger.under = dict.fromkeys(ledger.under, b'{"withheld":true}')


def another_text(ledger: Ledger) -> None:
    place = ledger.decide("per", "Uenig.")
    ledger.under[place] = ledger.under[place].replace(b"Uenig", b"Enig!")


def a_text_with_another_salt(ledger: Ledger) -> None:
    place = ledger.decide("per", "Uenig.")
    ledger.under[place] = canonical({"salt": "00" * 32, "text": "Uenig."})


def a_text_whose_salt_is_written_otherwise(ledger: Ledger) -> None:
    place = ledger.decide("per", "Uenig.")
    salt = hashlib.sha256(b"salt4").hexdigest()
    ledger.under[place] = canonical({"salt": salt.upper(), "text": "Uenig."})


def a_text_with_more_beside_it(ledger: Ledger) -> None:
    place = ledger.decide("per", "Uenig.")
    ledger.under[place] = ledger.under[place][:-1] + b',"til":"per"}'


def a_text_that_is_there_twice(ledger: Ledger) -> None:
    place = ledger.decide("per", "Uenig.")
    ledger.under[place] += b"\n" + ledger.under[place]


def a_text_under_a_fact_that_has_none(ledger: Ledger) -> None:
    ledger.under[ledger.system()] = b'{"withheld":true}'


def a_text_under_a_line_that_cannot_be_read(ledger: Ledger) -> None:
    ledger.decide("per", "Uenig.")
    ledger.under[ledger.add_leaf(b"ikke JSON")] = b'{"withheld":true}'


def a_withheld_text_with_something_else(ledger: Ledger) -> None:
    ledger.under[ledger.decide("per", "Uenig.")] = b'{"withheld":false}'


@pytest.mark.parametrize(
    ("writing", "said"),
    [
        (a_text_that_was_never_erased, "#act per n4 has no text, and is not erased"),
        (a_text_that_was_erased_and_is_there, "leaf 6 has erased a text which is there"),
        (a_text_that_was_erased_and_is_said_to_be_kept, "leaf 6 has erased a text which is there"),
        (another_text, "text of leaf 5 is not the one that was written"),
        (a_text_with_another_salt, "text of leaf 5 is not the one that was written"),
        (a_text_whose_salt_is_written_otherwise, "text of leaf 5 is not the one that was written"),
        (a_text_with_more_beside_it, "text of leaf 5 could be written otherwise"),
        (a_text_that_is_there_twice, "text of leaf 5 is not asked for"),
        (a_text_under_a_fact_that_has_none, "text of leaf 5 is not asked for"),
        (a_text_under_a_line_that_cannot_be_read, "text of leaf 6 is not asked for"),
        (a_withheld_text_with_something_else, "text of leaf 5"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_text_that_is_not_as_it_was_written_is_named(writing: Writing, said: str) -> None:
    assert_the_copy_is_blamed(writing, said)


def test_the_text_of_an_act_may_be_erased() -> None:
    ledger = beginning()
    ledger.decide("per", "Uenig.")
    ledger.erase("kari", *ledger.texts)
    found = checked(ledger)
    assert found.code == 0, found.out
    assert "texts: 0 as written, 0 not in" in found.out


# --- the whole file -------------------------------------------------------------------------------


def without(bundle: bytes, *numbers: int) -> bytes:
    return b"".join(line for n, line in enumerate(bundle.splitlines(keepends=True)) if n not in numbers)


def test_a_file_without_its_last_facts_has_a_fault() -> None:
    bundle = small_year().bundle()
    last = len(bundle.splitlines()) - 1
    found = verified(without(bundle, last))
    assert "checkpoint 3 has 11, not 10 facts" in found.faults
    assert "leaves are missing, or under no checkpoint" in found.faults


def test_a_file_of_no_facts_has_a_fault() -> None:
    empty = Ledger()
    found = verified(empty.bundle())
    assert (found.code, "leaves are missing, or under no checkpoint" in found.faults) == (1, True)
    assert "- 0 facts of" in found.out


def test_a_file_that_says_it_has_other_facts_than_it_has_is_at_fault() -> None:
    bundle = small_year().bundle()
    found = verified(bundle.replace(b'"leaves":11', b'"leaves":12', 1))
    assert "leaves are missing, or under no checkpoint" in found.faults


def test_a_text_where_a_checkpoint_should_be_is_none() -> None:
    ledger = beginning()
    lines = ledger.bundle().splitlines(keepends=True)
    lines[1] = b'{"withheld":true}\n'
    found = verified(b"".join(lines))
    assert "checkpoint 1 could be written otherwise" in found.faults
    assert "4 facts" in found.out


@given(st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_make_it_fall_over(raw: bytes) -> None:
    assert verified(raw).code == 2


@given(st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_damage_makes_it_fall_over_or_goes_unseen(chance: object, times: int) -> None:
    bundle = small_year().bundle()
    for _ in range(times):
        bundle = damaged(bundle, chance)  # type: ignore[arg-type]
    assert bundle == small_year().bundle() or verified(bundle, small_year().anchor()).code in (1, 2)


def test_no_flipped_bit_goes_unseen() -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    assert run(a_year(), 2000, seed) == []
