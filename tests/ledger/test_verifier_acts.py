"""What a ledger may say that people did: the verifier holds each act against what was signed, by whom and when."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from activities.ledger import verify
from activities.signatures import SigningKey
from tests.ledger.bundles import DOCUMENT, Ledger, beginning, checked, private
from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.events import (
    AttemptRefused,
    DecisionRecorded,
    DueDateChanged,
    EvidenceSubmitted,
    Fact,
    StepOpened,
)
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.record_facts import DocumentErased, PersonErased, TextsErased
from workflows.rules.statement import EnrolKey, File
from workflows.rules.terms import Outcome, Refusal

NOBODY, WHOSE = "is signed by nobody", "does not count for its person"
OTHER = hashlib.sha256(b"Noe annet").hexdigest()
MOVED: dict[str, Any] = {"before": date(2027, 2, 12), "after": date(2027, 3, 12)}

Writing = Callable[[Ledger], object]


def named(value: object) -> str:
    return getattr(value, "__name__", "")


def stated(ledger: Ledger, **parts: object) -> int:
    """Change what the newest fact's person signed, and nothing of the fact."""
    return ledger.resign(lambda said: said.update(parts))


def refused(ledger: Ledger, actor: str) -> int:
    return ledger.add(ledger.fact(AttemptRefused(attempt="decision", reason=Refusal.UNSIGNED), actor=actor))


# --- what nobody signed ---------------------------------------------------------------------------


def unsigned(ledger: Ledger, actor: str = "per") -> None:
    said = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.AGREED, document=OTHER, version=1
    )
    ledger.add(ledger.fact(said, actor=actor))


def unsigned_by_the_rules(ledger: Ledger) -> None:
    unsigned(ledger, "system")


def unsigned_by_one_without_a_key(ledger: Ledger) -> None:
    unsigned(ledger, "kari")


def an_attempt_in_somebodys_name(ledger: Ledger) -> None:
    refused(ledger, "per")


def a_date_the_rules_moved_because_they_decided(ledger: Ledger) -> None:
    ledger.add(ledger.fact(DueDateChanged(**MOVED, reason="decided")))


def a_date_somebody_moved_because_of_a_new_organisation(ledger: Ledger) -> None:
    ledger.add(ledger.fact(DueDateChanged(**MOVED, reason="organisation_changed"), actor="kari"))


def texts_the_rules_erased_because_somebody_asked(ledger: Ledger) -> None:
    ledger.add(ledger.fact(TextsErased(facts=("f1",), basis="request")))


def somebodys_key_that_nobody_vouched_for(ledger: Ledger) -> None:
    key = SigningKey(private("vera"))
    ledger.add(ledger.fact(KeyEnrolled(key=key.id, public_key=key.public_key, person="vera")))


def a_key_that_the_rules_revoked(ledger: Ledger) -> None:
    ledger.add(ledger.fact(KeyRevoked(key=ledger.people["per"].id, reason="lost")))


def an_evidence_whose_signature_was_taken_off(ledger: Ledger) -> None:
    ledger.file("per", 2)
    ledger.rewrite(lambda fact: fact.pop("signed"))


@pytest.mark.parametrize(
    "writing",
    [
        unsigned, unsigned_by_the_rules, unsigned_by_one_without_a_key, an_attempt_in_somebodys_name,
        a_date_the_rules_moved_because_they_decided,
        a_date_somebody_moved_because_of_a_new_organisation,
        texts_the_rules_erased_because_somebody_asked, somebodys_key_that_nobody_vouched_for,
        a_key_that_the_rules_revoked, an_evidence_whose_signature_was_taken_off,
    ],
    ids=named,
)  # fmt: skip
def test_an_act_that_nobody_signed_is_named(writing: Writing) -> None:
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 1
    assert f"leaf 5 {NOBODY}\n  -> {verify.PERSON}" in found.faults


@pytest.mark.parametrize(
    "fact",
    [
        DueDateChanged(**MOVED, reason="organisation_changed"),
        TextsErased(facts=("f1",), basis="retention"),
        DocumentErased(document=DOCUMENT, basis="retention"),
        PersonErased(person="vera", basis="retention"),
        AttemptRefused(attempt="decision", reason=Refusal.NOT_ELIGIBLE),
        StepOpened(due=date(2027, 2, 12)),
    ],
    ids=lambda fact: fact.kind,
)
def test_what_the_rules_do_by_themselves_needs_no_signature(fact: Any) -> None:
    ledger = beginning()
    ledger.add(ledger.fact(fact))
    found = checked(ledger)
    assert found.code == 0, found.out


def test_a_second_key_of_the_installation_needs_no_signature() -> None:
    ledger, key = beginning(), SigningKey(private("installation 2"))
    ledger.add(ledger.fact(KeyEnrolled(key=key.id, public_key=key.public_key)))
    ledger.installation = key
    ledger.decide("kari")
    assert checked(ledger).code == 0


def test_what_was_done_before_there_was_a_key_needs_no_signature() -> None:
    ledger = Ledger()
    unsigned(ledger)
    ledger.begin()
    found = checked(ledger)
    assert found.code == 0, found.out
    assert "0 acts signed with own keys by 0 people; 0 by the installation" in found.out


def test_an_attempt_of_nobody_known_is_recorded_with_what_came_and_proves_nothing() -> None:
    ledger = beginning()
    ledger.decide("per")
    signed = Fact.model_validate_json(_without_seq(ledger.leaves[-1])).signed
    refused(ledger, "unknown")
    ledger.add(
        ledger.fact(
            AttemptRefused(attempt="decision", reason=Refusal.BAD_SIGNATURE), actor="unknown"
        ).model_copy(update={"signed": signed})
    )
    ledger.rewrite(lambda fact: fact["signed"].update(payload="AAAA"))
    found = checked(ledger)
    assert found.code == 0, found.out
    assert "1 acts signed with own keys by 1 people; 2 by the installation" in found.out


def test_what_was_attempted_may_be_something_else_than_what_is_recorded() -> None:
    """The fact says what was refused; that the person sent something is proved, and no more."""
    ledger = beginning()
    ledger.act("per", File(document=OTHER), EvidenceSubmitted(document=OTHER, version=2))
    ledger.rewrite(
        lambda fact: fact.update(
            body={"kind": "attempt_refused", "attempt": "decision", "reason": "stale", "document": DOCUMENT}
        )
    )
    found = checked(ledger)
    assert found.code == 0, found.out
    assert "1 acts signed with own keys" in found.out


# --- who signed it --------------------------------------------------------------------------------


def by_the_installation_for_one_with_a_key(ledger: Ledger) -> None:
    own = ledger.people.pop("per")
    ledger.decide("per")
    ledger.people["per"] = own


def by_a_colleague(ledger: Ledger) -> None:
    ledger.people["kari"] = ledger.people["per"]
    ledger.decide("kari")


def by_a_revoked_key(ledger: Ledger) -> None:
    own = ledger.people["per"]
    ledger.revoke("per")
    ledger.people["per"] = own
    ledger.decide("per")


def by_a_revoked_key_that_was_enrolled_again(ledger: Ledger) -> None:
    own = ledger.people["per"]
    ledger.revoke("per")
    ledger.enrol("per")
    ledger.people["per"] = own
    ledger.decide("per")


def by_a_key_that_is_nobodys(ledger: Ledger) -> None:
    ledger.people["per"] = SigningKey(private("stranger"))
    ledger.decide("per")


def by_the_installations_key_as_if_it_were_their_own(ledger: Ledger) -> None:
    ledger.decide("kari")
    stated(ledger, authentication={"method": "key_file"})


def by_the_installations_key_with_what_no_installation_holds(ledger: Ledger) -> None:
    ledger.decide("kari")
    stated(ledger, authentication={"method": "passkey"})


def by_their_own_key_as_if_at_the_desk(ledger: Ledger) -> None:
    ledger.decide("per")
    stated(ledger, authentication={"method": "desk"})


def of_somebody_else_by_the_installation(ledger: Ledger) -> None:
    ledger.decide("kari")
    stated(ledger, actor="vera")


def of_somebody_else_by_their_own_key(ledger: Ledger) -> None:
    ledger.decide("per")
    stated(ledger, actor="vera")


def of_the_rules_with_a_signature(ledger: Ledger) -> None:
    ledger.file("per")
    ledger.rewrite(
        lambda fact: fact.update(actor="system", body={"kind": "step_opened", "due": "2027-02-12"})
    )


def an_attempt_with_the_key_of_another(ledger: Ledger) -> None:
    by_a_colleague(ledger)
    ledger.rewrite(
        lambda fact: fact.update(
            body={"kind": "attempt_refused", "attempt": "decision", "reason": "not_eligible"}
        )
    )


def by_a_key_that_two_people_have_enrolled(ledger: Ledger) -> None:
    """The first has it: nobody can take over what others signed by enrolling their key."""
    key = ledger.people["per"]
    act = EnrolKey(person="kari", public_key=key.public_key)
    ledger.act("kari", act, KeyEnrolled(key=key.id, public_key=key.public_key, person="kari"))
    ledger.people["kari"] = key
    ledger.decide("kari")


@pytest.mark.parametrize(
    "writing",
    [
        by_the_installation_for_one_with_a_key, by_a_colleague, by_a_revoked_key,
        by_a_revoked_key_that_was_enrolled_again, by_a_key_that_is_nobodys,
        by_the_installations_key_as_if_it_were_their_own,
        by_the_installations_key_with_what_no_installation_holds, by_their_own_key_as_if_at_the_desk,
        of_somebody_else_by_the_installation, of_somebody_else_by_their_own_key,
        of_the_rules_with_a_signature, an_attempt_with_the_key_of_another,
        by_a_key_that_two_people_have_enrolled,
    ],
    ids=named,
)  # fmt: skip
def test_an_act_that_somebody_else_signed_is_named(writing: Writing) -> None:
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 1
    assert f"leaf {len(ledger.leaves)} is signed with a key that {WHOSE} here\n" in found.faults
    assert verify.PERSON in found.faults
    assert verify.COPY not in found.faults


@pytest.mark.parametrize("method", ["desk", "portal", "rehearsal"])
def test_for_whom_has_no_key_the_installation_signs(method: str) -> None:
    ledger = beginning()
    ledger.decide("kari")
    stated(ledger, authentication={"method": method})
    found = checked(ledger)
    assert found.code == 0, found.out


def test_a_person_may_have_two_keys() -> None:
    ledger, other = beginning(), SigningKey(private("per's telephone"))
    act = EnrolKey(person="per", public_key=other.public_key)
    ledger.act("per", act, KeyEnrolled(key=other.id, public_key=other.public_key, person="per"))
    for key in (other, ledger.people["per"]):
        ledger.people["per"] = key
        ledger.decide("per")
    assert checked(ledger).code == 0


def test_a_key_is_enrolled_for_oneself_only() -> None:
    ledger, key = beginning(), SigningKey(private("vera"))
    act = EnrolKey(person="vera", public_key=key.public_key)
    ledger.act("per", act, KeyEnrolled(key=key.id, public_key=key.public_key, person="vera"))
    found = checked(ledger)
    assert found.code == 1
    assert f"leaf 5 enrols another's key\n  -> {verify.PERSON}" in found.faults


def test_a_key_under_the_id_of_another_is_named() -> None:
    ledger, key = beginning(), SigningKey(private("vera"))
    ledger.add(ledger.fact(KeyEnrolled(key=ledger.people["per"].id, public_key=key.public_key)))
    found = checked(ledger)
    assert found.code == 1
    assert found.faults.startswith("\nleaf 5 misnames its key\n")
    assert verify.COPY in found.faults


def two_signatures(ledger: Ledger) -> None:
    ledger.decide("per")
    ledger.rewrite(lambda fact: fact["signed"].update(signatures=fact["signed"]["signatures"] * 2))


def a_statement_that_could_be_written_otherwise(ledger: Ledger) -> None:
    ledger.decide("per")

    def with_a_space(fact: Any) -> None:
        payload = base64.b64decode(fact["signed"]["payload"]) + b" "
        fact["signed"]["payload"] = base64.b64encode(payload).decode()

    ledger.rewrite(with_a_space)


@pytest.mark.parametrize(
    ("writing", "said"),
    [
        (two_signatures, "cannot be read"),
        (a_statement_that_could_be_written_otherwise, "could be written otherwise"),
    ],
    ids=named,
)
def test_what_is_signed_can_be_read_in_one_way_only(writing: Writing, said: str) -> None:
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 1
    assert f"leaf 5 {said}" in found.faults


def test_a_signature_over_another_statement_is_not_good() -> None:
    ledger = beginning()
    ledger.decide("per")
    ledger.resign(lambda said: None, SigningKey(private("stranger")))
    own = ledger.people["per"].id
    ledger.rewrite(lambda fact: fact["signed"]["signatures"][0].update(keyid=own))
    found = checked(ledger)
    assert found.code == 1
    assert f"leaf 5 has a signature that is not good\n  -> {verify.PERSON}" in found.faults


def _without_seq(leaf: bytes) -> str:
    fact = json.loads(leaf)
    del fact["seq"]
    return json.dumps(fact)
