"""Made-up statements, for tests that are about what a statement is and not about a step."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from workflows.rules.organisation import Role
from workflows.rules.programme import Stage
from workflows.rules.statement import (
    Act,
    Answer,
    Authentication,
    Decide,
    Delegate,
    EndDelegation,
    EnrolKey,
    EraseDocument,
    ErasePerson,
    EraseText,
    File,
    MoveDueDate,
    RevokeKey,
    SetAbsence,
    SetRetention,
    Statement,
    Votes,
)
from workflows.rules.terms import Outcome, Records

EMPLOYER = "fjell"
CYCLE = "unit/fjell/u1/2027"
STEP = "Y15"
NOON = datetime(2027, 5, 10, 10, tzinfo=UTC)
DOCUMENT = "ab" * 32
AGREES = Decide(role=Role.SAFETY_REP, outcome=Outcome.AGREED, document=DOCUMENT, version=1)


def statement(act: Act = AGREES, **changes: Any) -> Statement:
    """p4 says it in Y15 of u1 at `NOON`, for ten minutes, with their own key."""
    parts = {
        "employer": EMPLOYER, "cycle": CYCLE, "step": STEP, "actor": "p4", "act": act, "nonce": "n1",
        "issued": NOON, "expires": NOON + timedelta(minutes=10),
        "authentication": Authentication(method="key_file"), **changes,
    }  # fmt: skip
    return Statement.model_validate(parts)


def of_employer(act: Act, **changes: Any) -> Statement:
    """The same about the employer as a whole."""
    return statement(act, **{"cycle": None, "step": None, **changes})


_ids = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
_hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
_days = st.dates(date(2020, 1, 1), date(2040, 1, 1))
_moments = st.integers(0, 20 * 365 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds))
_votes = st.builds(
    Votes,
    majority=st.lists(_ids, min_size=1, max_size=3).map(tuple),
    minority=st.lists(_ids, max_size=2).map(tuple),
    position=st.none() | _hashes,
)
_step_acts = st.one_of(
    st.builds(
        Decide, role=st.sampled_from(Role), outcome=st.sampled_from(Outcome), document=_hashes,
        version=st.integers(0, 9), comment=st.none() | _hashes, on_behalf_of=st.none() | _ids,
        back_to=st.none() | st.sampled_from(Stage), votes=st.none() | _votes,
    ),
    st.builds(File, document=_hashes, on_behalf_of=st.none() | _ids),
    st.builds(Answer, version=st.integers(1, 9), comment=st.none() | _hashes, on_behalf_of=st.none() | _ids),
    st.builds(MoveDueDate, due=_days, comment=st.none() | _hashes),
)  # fmt: skip
_employer_acts = st.one_of(
    st.builds(
        Delegate, person=_ids, to=_ids, since=_days, until=_days, role=st.none() | st.sampled_from(Role),
        unit=st.none() | _ids, step=st.none() | st.just("Y15"),
    ),
    st.builds(EndDelegation, delegation=_ids, until=_days),
    st.builds(SetAbsence, person=_ids, since=_days, until=_days, substitute=st.none() | _ids),
    st.builds(EnrolKey, person=_ids, public_key=st.just("A" * 43 + "=")),
    st.builds(
        RevokeKey, key=st.just("0123456789abcdef"),
        reason=st.sampled_from(["lost", "stolen", "replaced", "left"]),
    ),
    st.builds(
        EraseText, facts=st.lists(_ids, min_size=1, max_size=3).map(tuple),
        basis=st.sampled_from(["request", "mistake"]),
    ),
    st.builds(EraseDocument, document=_hashes, basis=st.sampled_from(["request", "mistake"])),
    st.builds(ErasePerson, person=_ids, basis=st.sampled_from(["request", "mistake", "left"])),
    st.builds(
        SetRetention, records=st.sampled_from(get_args(Records)), days=st.integers(0, 36_500),
        comment=st.none() | _hashes,
    ),
)  # fmt: skip
_known = st.builds(
    Authentication,
    method=st.sampled_from(["key_file", "desk", "rehearsal", "portal", "passkey"]),
    level=st.none() | st.just("urn:loa:high"),
    authenticated=st.none() | _moments,
    evidence=st.none() | _hashes,
)


def statements() -> st.SearchStrategy[Statement]:
    """Every kind of statement."""
    common = {"actor": _ids, "issued": _moments, "expires": _moments, "authentication": _known}
    return st.one_of(
        st.builds(statement, _step_acts, **common), st.builds(of_employer, _employer_acts, **common)
    )
