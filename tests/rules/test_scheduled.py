"""Which workflows a Schedule started, by their ids, and what facts may name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workflows.rules.record_facts import HistoryExported
from workflows.rules.scheduled import ScheduledRef

moments = st.integers(0, 2**35).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
employers = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
refs = st.builds(ScheduledRef, work=st.sampled_from(["opener", "retention"]), employer=employers, at=moments)


def exported(workflow: str) -> HistoryExported:
    return HistoryExported(
        workflow=workflow, run="01a206ad-e31a-7f30-acd9-abf72aec6291", events=1, sha256="a" * 64, size=1,
        closed=True, version="1.0",
    )  # fmt: skip


@given(refs)
def test_an_id_says_who_when_and_what_and_a_fact_may_name_it(ref: ScheduledRef) -> None:
    assert ScheduledRef.find(ref.id) == ref
    assert exported(ref.id).workflow == ref.id


def test_the_opener_of_a_december_opens_the_year_after_and_an_erasing_opens_none() -> None:
    opener = ScheduledRef.find("opener/fjell-2026-12-01T07:00:00Z")
    erasing = ScheduledRef.find("retention/fjell-2027-01-15T07:00:00Z")
    assert opener is not None
    assert erasing is not None
    assert (opener.employer, opener.opens) == ("fjell", 2027)
    assert (erasing.work, erasing.opens) == ("retention", None)


@pytest.mark.parametrize(
    "id",
    [
        "year/fjell/2027", "unit/fjell/u1/2027", "opener/fjell", "opener/fjell-1", "opener/", "",
        "opener/fjell-2026-12-01T07:00:00+00:00", "opener/fjell-2026-02-30T07:00:00Z",
        "opener/Fjell-2026-12-01T07:00:00Z", "opener/fjell/2026-12-01T07:00:00Z",
        "slett/fjell-2026-12-01T07:00:00Z", "opener/fjell-2026-12-01T07:00:00Z ",
        "opener/../x-2026-12-01T07:00:00Z", "opener/fjell-2026-12-01T07:00:00Z\n",
    ],
)  # fmt: skip
def test_any_other_id_is_not_taken_for_one(id: str) -> None:
    assert ScheduledRef.find(id) is None


@pytest.mark.parametrize(
    "id", ["Ola Nordmann", "opener/Ola-2026-12-01T07:00:00Z", "opener/fjell-2026-12-01T07:00Z"]
)
def test_a_fact_names_no_other_workflow(id: str) -> None:
    with pytest.raises(ValidationError):
        exported(id)
