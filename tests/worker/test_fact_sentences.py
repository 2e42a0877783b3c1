"""Every fact in one plain sentence, in every language, and every refusal with what to do next."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest

from activities.language import LANGUAGES, Language, speaking
from worker.cli.fact_sentences import describe
from worker.cli.fact_words import KINDS, REASONS, TRIED
from worker.cli.plain_refusals import PLAINLY, told_plainly
from workflows.rules.events import UNKNOWN, Attempt, AttemptRefused, Fact
from workflows.rules.terms import Refusal

HASH = "ab" * 32
SIGNED = "A" * 86 + "=="
NAMES = {"per": "Per Hansen", "kari": "Kari Nordmann", "siri": "Siri Steinvik"}
DAYS = {"since": date(2027, 5, 10), "until": date(2027, 5, 15)}
HELD = [{"person": "per"}]
EXAMPLES: dict[str, dict[str, Any]] = {
    "cycle_started": {"programme": HASH, "law": HASH, "organisation": HASH, "profile": "large"},
    "unit_year_started": {"unit": "u1"},
    "step_opened": {"due": "2027-05-20"},
    "asked": {"what": "answer", "role": "manager", "people": HELD, "version": 1},
    "role_vacant": {"what": "consult", "role": "union_rep"},
    "reminded": {"days_before": 3, "people": ["per"]},
    "escalated": {"days_after": 3, "people": ["per"], "deviation": True, "wec_item": True},
    "responsibility_moved": {"role": "manager", "before": ["kari"], "after": ["siri"]},
    "evidence_submitted": {"document": HASH, "version": 1, "on_behalf_of": "kari"},
    "decision_recorded": {
        "role": "manager", "asked": "approve", "outcome": "approved", "document": HASH, "version": 1,
    },
    "attempt_refused": {"attempt": "signal", "reason": "unsigned", "count": 300},
    "sent_back": {"version": 1, "outcome": "rejected"},
    "decisions_stale": {"document": HASH, "version": 1, "people": ["per"], "because": "basis_changed"},
    "step_reopened": {"because": "sent_back", "due": "2027-05-20", "by": "Y16"},
    "decision_disregarded": {"decision": "f", "reason": "bad_signature"},
    "answer_demanded": {"version": 1, "disagree": ["per"], "due": "2027-05-26"},
    "wec_matter_raised": {"version": 1, "disagree": ["per"], "people": ["siri"]},
    "disagreement_answered": {
        "version": 1, "disagree": ["per"], "comment": HASH, "late": True, "on_behalf_of": "kari",
    },
    "answer_overdue": {"version": 1, "due": "2027-05-26", "people": ["siri"]},
    "step_closed": {"document": HASH, "version": 1, "late": False},
    "informed": {"roles": ["employees"], "people": ["per"]},
    "due_date_changed": {"before": "2027-05-20", "after": "2027-05-28", "reason": "decided"},
    "step_withdrawn": {"reason": "unit_closed"},
    "step_left_open": {"missing": ["answer:manager"]},
    "organisation_changed": {"organisation": HASH},
    "duty_changed": {"profile_before": "small", "profile_after": "medium", "everyone": 12},
    "cycle_closed": {"closed": 1, "left_open": 2, "withdrawn": 3},
    "appointed": {"role": "manager", "people": HELD},
    "run_started_again": {},
    "key_enrolled": {"key": "0" * 16, "public_key": "A" * 43 + "=", "person": "per"},
    "key_revoked": {"key": "0" * 16, "reason": "lost"},
    "delegated": {
        "delegation": "d-1", "person": "kari", "to": "siri", "role": "manager", "step": "Y15", **DAYS,
    },
    "delegation_ended": {"delegation": "d-1", "until": "2027-05-12"},
    "absence_set": {"person": "kari", "substitute": "siri", **DAYS},
    "log_key_enrolled": {"key": "0" * 16, "public_key": SIGNED[:43] + "=", "signature": SIGNED, "previous": "1" * 16},
    "ledger_restored": {"reason": "backup", "size": 500, "lost": 545, "root": HASH},
    "history_exported": {
        "workflow": "unit/fjell/u1/2027", "run": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "events": 365,
        "sha256": HASH, "size": 40_000, "closed": True, "version": "0.3.0",
    },
    "texts_read": {"purpose": "search", "facts": list(range(1, 12))},
    "dossier_made": {"year": 2027, "size": 545, "sha256": HASH, "texts": False, "names": True},
    "erasure_asked": {"facts": ["f"], "basis": "request"},
    "texts_erased": {"facts": ["f", "g"], "basis": "request"},
    "person_erased": {"person": "per", "basis": "left"},
    "document_erased": {"document": HASH, "basis": "mistake"},
    "records_erased": {"records": "mail", "count": 120, "before": "2027-05-01"},
    "retention_set": {"records": "text", "days": 730, "comment": HASH},
}  # fmt: skip


def fact(kind: str, actor: str = "siri", **changes: Any) -> Fact:
    now = datetime(2027, 5, 4, tzinfo=UTC)
    body = {"kind": kind, **EXAMPLES[kind], **changes}
    return Fact.model_validate(
        {"id": "f", "employer": "fjell", "concerns": now, "recorded": now, "actor": actor, "body": body}
    )


def test_every_kind_of_fact_is_tried_here() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_fact_is_one_sentence_in_every_language(kind: str, language: Language) -> None:
    with speaking(language):
        said = describe(fact(kind), NAMES)
    assert len(said) > 10
    assert said.endswith(".")
    assert "{" not in said


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "answer_demanded",
            "Per Hansen er uenig i versjon 1; arbeidsgiver skal svare innen onsdag 26. mai 2027.",
        ),
        ("wec_matter_raised", "Uenigheten om versjon 1 er meldt videre, til Siri Steinvik."),
        (
            "disagreement_answered",
            "Siri Steinvik for Kari Nordmann svarte på uenigheten om versjon 1, etter fristen.",
        ),
        ("step_reopened", "Åpnet igjen fordi saken er sendt tilbake, med frist torsdag 20. mai 2027 (Y16)."),
        ("attempt_refused", "Nektet: Siri Steinvik sendte et signal, men det var ikke signert (300 ganger)."),
        (
            "delegated",
            "Siri Steinvik svarer for Kari Nordmann fra mandag 10. mai 2027 til og med fredag 14. mai 2027, "
            "bare for leder og Y15.",
        ),
        (
            "texts_read",
            "Siri Steinvik leste ved søk det som er skrevet i 11 hendelser (nr. 1, 2, 3, 4, 5, 6, 7, 8 …).",
        ),
        (
            "dossier_made",
            "Siri Steinvik laget en tilsynsmappe for 2027, hele virksomheten (fingeravtrykk abababababab): med "
            "navn, uten det folk skrev.",
        ),
        (
            "records_erased",
            "Siri Steinvik slettet e-poster fra før lørdag 1. mai 2027, 120 i alt, fordi lagringstiden er ute.",
        ),
        (
            "person_erased",
            "Siri Steinvik slettet navn, adresse og nummer til Per Hansen, fordi den det gjelder, "
            "har sluttet.",
        ),
    ],
)
def test_the_sentence_says_who_what_and_when(kind: str, said: str) -> None:
    with speaking("nb"):
        assert describe(fact(kind), NAMES) == said


def test_whoever_is_only_claimed_to_have_tried_is_not_said_to_have() -> None:
    with speaking("nb"):
        said = describe(fact("attempt_refused", UNKNOWN, claimed="per", count=1), NAMES)
    assert said == "Nektet: noen som utga seg for Per Hansen sendte et signal, men det var ikke signert."


@pytest.mark.parametrize("attempt", get_args(Attempt))
def test_every_attempt_has_its_words_with_every_reason(attempt: Attempt) -> None:
    assert attempt in TRIED
    for reason in Refusal:
        body = AttemptRefused(attempt=attempt, reason=reason).model_dump(exclude={"kind"}, exclude_none=True)
        with speaking("nb"):
            said = describe(fact("attempt_refused", **body), NAMES)
        assert REASONS[reason] in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", PLAINLY)
def test_a_refusal_that_hangs_on_no_step_says_what_to_do(reason: Refusal, language: Language) -> None:
    with speaking(language):
        said = told_plainly(reason)
    assert said.problem
    assert said.remedy
