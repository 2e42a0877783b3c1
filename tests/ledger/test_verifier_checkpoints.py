"""What the log signed: checkpoints that follow each other, and the keys that they are signed with."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from activities.ledger import verify
from tests.ledger.bundles import Ledger, beginning, checked, private, signature_line, verified
from workflows.rules.events import StepOpened

Writing = Callable[[Ledger], object]


def opened() -> StepOpened:
    return StepOpened(due=date(2027, 2, 12))


# --- checkpoints ----------------------------------------------------------------------------------


def before_its_facts(ledger: Ledger) -> None:
    ledger.checkpoint(time=ledger.now - timedelta(minutes=2, seconds=1))


def of_other_leaves(ledger: Ledger) -> None:
    ledger.checkpoint(root=bytes(32))


def of_another_ledger(ledger: Ledger) -> None:
    ledger.checkpoint(origin="forsvarlig/1/annen")


def of_another_ledger_with_that_ones_signature(ledger: Ledger) -> None:
    ledger.origin, ours = "forsvarlig/1/annen", ledger.origin
    ledger.checkpoint()
    ledger.origin = ours


def that_names_another_before_it(ledger: Ledger) -> None:
    ledger.checkpoint(prev="ab" * 32)


def that_names_none_before_it(ledger: Ledger) -> None:
    ledger.checkpoint(prev=None)


def of_as_many_facts(ledger: Ledger) -> None:
    ledger.checkpoint()
    ledger.checkpoint()


def of_fewer_facts(ledger: Ledger) -> None:
    ledger.checkpoint()
    ledger.checkpoint(size=4, root=ledger.roots[4])


def of_more_facts_than_there_are(ledger: Ledger) -> None:
    ledger.checkpoint(size=6)


def before_the_one_before_it(ledger: Ledger) -> None:
    ledger.checkpoint(time=ledger.now + timedelta(minutes=9))
    ledger.system()
    ledger.checkpoint()


def by_a_stranger(ledger: Ledger) -> None:
    ledger.log = private("stranger")
    ledger.checkpoint()


def by_a_stranger_under_the_logs_key_id(ledger: Ledger) -> None:
    text = ledger.checkpoint()
    note = verify.NOTE.fullmatch(text)
    assert note is not None
    raw = base64.b64decode(note[7])
    forged = raw[:4] + private("stranger").sign(note[1].encode())
    ledger.notes[-1] = text.replace(note[7], base64.b64encode(forged).decode())


def by_the_key_that_comes_after_it(ledger: Ledger) -> None:
    """The new key signs from the fact on that enrols it, and nothing before."""
    ledger.log = private("new")
    ledger.checkpoint()
    ledger.log = private("log")
    ledger.enrol_log(private("new"), private("log"))


def with_two_signatures(ledger: Ledger) -> None:
    text = ledger.checkpoint().partition("\n\n")[0] + "\n"
    ledger.notes[-1] += signature_line("annen", private("x"), text)


def with_more_in_its_line(ledger: Ledger) -> None:
    ledger.checkpoint()
    ledger.notes[-1] += "mer"


@pytest.mark.parametrize(
    ("writing", "said"),
    [
        (before_its_facts, "leaf 5 ends checkpoint 2, older than its facts, or not signed by the log key"),
        (of_other_leaves, "leaf 5 ends checkpoint 2, of other leaves than these"),
        (of_another_ledger, "checkpoint 2 is of another ledger, or of others"),
        (of_another_ledger_with_that_ones_signature, "checkpoint 2 is of another ledger, or of others"),
        (that_names_another_before_it, "checkpoint 2 does not follow: one was taken away or put in"),
        (that_names_none_before_it, "checkpoint 2 does not follow: one was taken away or put in"),
        (of_as_many_facts, "checkpoint 3 does not follow: one was taken away or put in"),
        (of_fewer_facts, "checkpoint 3 does not follow: one was taken away or put in"),
        (of_more_facts_than_there_are, "checkpoint 2 has 6, not 5 facts"),
        (before_the_one_before_it, "checkpoint 3 does not follow: one was taken away or put in"),
        (by_a_stranger, "leaf 5 ends checkpoint 2, older than its facts, or not signed by the log key"),
        (by_a_stranger_under_the_logs_key_id, "checkpoint 2 has a signature that is not good"),
        (by_the_key_that_comes_after_it, "leaf 5 ends checkpoint 2, older than its facts, or not signed"),
        (with_two_signatures, "checkpoint 2 is of another ledger, or of others"),
        (with_more_in_its_line, "checkpoint 2 is of another ledger, or of others"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_checkpoint_that_does_not_hold_is_named(writing: Writing, said: str) -> None:
    ledger = beginning()
    ledger.system()
    writing(ledger)
    found = verified(ledger.bundle())
    assert found.code == 1
    assert said in found.faults, found.out
    assert verify.COPY in found.faults


def test_the_first_checkpoint_names_none_before_it() -> None:
    ledger = beginning()
    ledger.notes.clear()
    ledger.checkpoint(prev="ab" * 32)
    ledger.system()
    found = checked(ledger)
    assert "checkpoint 1 does not follow" in found.faults
    assert "checkpoint 2" not in found.faults


def test_the_first_checkpoint_may_be_of_one_fact() -> None:
    ledger = Ledger()
    ledger.enrol_log(private("log"))
    assert checked(ledger).code == 0


def test_anchors_of_other_leaves_do_not_hide_a_checkpoint_of_others_still() -> None:
    ledger = beginning()
    ledger.system()
    ledger.checkpoint(root=bytes(32))
    good, others = ledger.fingerprint(4), [f"5-{name * 4}" + f"-{name * 4}" * 7 for name in "AB"]
    found = verified(ledger.bundle(), *others, good)
    assert "leaf 5 ends checkpoint 2, of other leaves than these" in found.faults
    assert f"the first 4 facts are those of anchor {good}" in found.out


@pytest.mark.parametrize("minutes", [0, 1, 2])
def test_a_checkpoint_may_be_two_minutes_older_than_its_facts(minutes: int) -> None:
    """The clock of who signs may be that much behind."""
    ledger = beginning()
    ledger.now += timedelta(minutes=5)
    ledger.system()
    ledger.checkpoint(time=ledger.now - timedelta(minutes=minutes))
    found = verified(ledger.bundle())
    assert found.code == 0, found.out


def test_two_checkpoints_may_be_of_one_time() -> None:
    ledger = beginning()
    later = ledger.now + timedelta(minutes=2)
    for _ in range(2):
        ledger.add(ledger.fact(opened(), recorded=later))
        ledger.checkpoint(time=later)
    found = verified(ledger.bundle())
    assert found.code == 0, found.out


# --- log keys -------------------------------------------------------------------------------------


def the_old_key_did_not_sign(ledger: Ledger) -> None:
    """That it is lost may be said, and is counted; its signature may not be forged."""
    other = ledger.people["per"].sign_bytes(b"x")
    ledger.rewrite(lambda f: f["body"].update(previous_signature=base64.b64encode(other).decode()))


def the_new_key_did_not_sign(ledger: Ledger) -> None:
    other = ledger.people["per"].sign_bytes(b"x")
    ledger.rewrite(lambda f: f["body"].update(signature=base64.b64encode(other).decode()))


def the_new_key_says_nothing(ledger: Ledger) -> None:
    ledger.rewrite(lambda f: f["body"].update(signature=""))


def another_key_was_before_it(ledger: Ledger) -> None:
    ledger.rewrite(lambda f: f["body"].update(previous="ab" * 8))


def no_key_was_before_it(ledger: Ledger) -> None:
    ledger.rewrite(lambda f: f["body"].update(previous=None))


@pytest.mark.parametrize(
    ("writing", "said"),
    [
        (the_old_key_did_not_sign, "leaf 5 has a signature that is not good"),
        (the_new_key_did_not_sign, "leaf 5 has a signature that is not good"),
        (the_new_key_says_nothing, "leaf 5 names another log key before it"),
        (another_key_was_before_it, "leaf 5 names another log key before it"),
        (no_key_was_before_it, "leaf 5 names another log key before it"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_new_log_key_is_signed_by_itself_and_by_the_one_before(writing: Writing, said: str) -> None:
    ledger = beginning()
    ledger.enrol_log(private("new"), private("log"))
    writing(ledger)
    found = checked(ledger)
    assert found.code == 1
    assert said in found.faults, found.out
    assert verify.COPY in found.faults
