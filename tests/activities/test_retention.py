"""What has been kept long enough is erased, in batches, with facts that say so; the rest stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from activities import retention
from activities.erased_files import ErasedFiles
from activities.history_files import place
from activities.ledger.log import Payload, commit
from activities.proof import is_act
from activities.retention import Retention
from activities.store import erasing
from tests.activities.erasures import act
from tests.activities.sawmill import EMPLOYER, UNIT, Sawmill, organisation
from workflows.messages import EraseDueRequest
from workflows.rules.calendar import OSLO
from workflows.rules.events import SYSTEM, Fact
from workflows.rules.organisation import Role
from workflows.rules.record_facts import (
    DocumentErased,
    HistoryExported,
    PersonErased,
    RecordsErased,
    RetentionSet,
    TextsErased,
)
from workflows.rules.statement import SetRetention
from workflows.rules.terms import Outcome

COLLEAGUE = "siri"
RUN = "0b1c2d3e-0000-4000-8000-000000000000"


class House:
    """The sawmill, with what erases its records."""

    def __init__(self, mill: Sawmill, folder: Path) -> None:
        self.mill = mill
        self.mail, self.histories = folder / "mail", folder / "histories"
        files = ErasedFiles(mill.documents, self.mail, self.histories)
        self.retention = Retention(mill.database, files, lambda: mill.now)

    def on(self, day: date) -> None:
        self.mill.now = datetime(day.year, day.month, day.day, 8, tzinfo=OSLO)

    async def due(self) -> dict[str, int]:
        return {due.records: due.number for due in await self.retention.due(EMPLOYER)}

    async def erase_all(self) -> int:
        count = 0
        while True:
            erased, more = await self.retention.erase(EMPLOYER)
            count += erased
            if not more:
                return count

    async def facts(self, *kinds: str) -> list[Fact]:
        async with self.mill.database.read() as reader:
            return [fact for _, fact in await reader.facts(EMPLOYER, kinds=kinds)]

    async def append(self, *facts: Fact) -> None:
        async with self.mill.database.write(EMPLOYER) as tx:
            await tx.append(facts)


@pytest.fixture
async def house(mill: Sawmill, tmp_path: Path) -> House:
    """The sawmill in May 2027, where Per has disagreed and Kari has answered."""
    await mill.go(date(2027, 5, 5))
    await mill.file("Y15", "kari")
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.DISAGREES, "Det er for lite folk")
    await mill.answer("Y15", "kari", "Vi ansetter to")
    return House(mill, tmp_path)


async def test_nothing_is_due_in_the_year_itself(house: House) -> None:
    before = await house.facts()
    assert await house.due() == {}
    assert await house.erase_all() == 0
    assert await house.facts() == before


async def test_texts_and_documents_go_ten_years_after_their_year(house: House) -> None:
    house.on(date(2037, 12, 30))
    assert not {"text", "document"} & (await house.due()).keys()
    house.on(date(2038, 1, 15))
    assert {"text": 2, "document": 1}.items() <= (await house.due()).items()
    await house.erase_all()
    [texts], [document] = await house.facts("texts_erased"), await house.facts("document_erased")
    assert isinstance(texts.body, TextsErased)
    assert isinstance(document.body, DocumentErased)
    assert len(texts.body.facts) == 2
    assert (texts.body.basis, document.body.basis) == ("retention", "retention")
    assert (texts.actor, is_act(texts), is_act(document)) == (SYSTEM, False, False)
    async with house.mill.database.read() as reader:
        assert [await reader.payload(EMPLOYER, id) for id in texts.body.facts] == [None, None]
        assert await reader.document(document.body.document) is None
        assert (await reader.verify(EMPLOYER)).ok
        assert (await house.mill.documents.check(reader)).files == 0
    assert await house.due() == {}
    assert await house.erase_all() == 0


async def test_the_employers_own_time_counts_instead(house: House) -> None:
    text, commitment = commit("Fem år holder")
    decision = SetRetention(records="text", days=1827, comment=commitment)
    assert (await act(house.mill, "hanne", decision, [text])).accepted
    await house.append(
        Fact(
            id="forged", employer=EMPLOYER, concerns=house.mill.now, recorded=house.mill.now, actor="hanne",
            body=RetentionSet(records="text", days=1096, comment=commitment),
        )
    )  # fmt: skip
    house.on(date(2032, 12, 30))
    assert "text" not in await house.due(), "nor what somebody wrote into the ledger"
    house.on(date(2033, 1, 15))
    assert (await house.due())["text"] == 3, "its own reason among them"


async def test_what_was_sent_is_forgotten_after_three_years(house: House) -> None:
    async with house.mill.database.read() as reader:
        rows = await reader.outbox_due(house.mill.now, 10_000)
    async with house.mill.database.write(EMPLOYER) as tx:
        await tx.delivered([row.id for row in rows[:5]], house.mill.now)
    house.on(date(2030, 5, 4))
    assert "delivery" not in await house.due()
    house.on(date(2030, 5, 5))
    assert (await house.due())["delivery"] == 5
    await house.erase_all()
    [fact] = [f.body for f in await house.facts("records_erased") if isinstance(f.body, RecordsErased)]
    assert (fact.records, fact.count) == ("delivery", 5)
    assert fact.before == date(2027, 5, 6)
    async with house.mill.database.read() as reader:
        assert await reader.outbox_pending() == len(rows) - 5


async def test_a_text_that_waited_a_month_for_its_statement_goes(house: House) -> None:
    async with house.mill.database.write(EMPLOYER) as tx:
        await tx.deposit("ab" * 32, Payload(salt=b"salt", text="Ble aldri brukt"), house.mill.now)
    house.on(house.mill.now.date() + timedelta(days=29))
    assert await house.due() == {}
    house.on(house.mill.now.date() + timedelta(days=2))
    assert await house.due() == {"deposited_text": 1}
    await house.erase_all()
    async with house.mill.database.read() as reader:
        assert await reader.deposited("ab" * 32) is None


async def test_a_document_that_was_never_filed_goes_after_a_month(house: House) -> None:
    async with house.mill.database.write(EMPLOYER) as tx:
        row = await house.mill.documents.put(b"Utkast", "text/plain", "utkast.txt", house.mill.now, tx)
    house.on(house.mill.now.date() + timedelta(days=31))
    assert await house.due() == {"document": 1}
    await house.erase_all()
    async with house.mill.database.read() as reader:
        assert await reader.document(row.hash) is None
        check = await house.mill.documents.check(reader)
    assert (check.ok, check.files, check.orphaned) == (True, 1, ())
    [fact] = [f.body for f in await house.facts("records_erased") if isinstance(f.body, RecordsErased)]
    assert (fact.records, fact.count) == ("document", 1)


async def test_a_name_goes_three_years_after_its_person_left(house: House) -> None:
    left = date(2027, 6, 1)
    gone = tuple(
        e.model_copy(update={"until": left}) if e.person == COLLEAGUE else e
        for e in organisation().employments
    )
    async with house.mill.database.write(EMPLOYER) as tx:
        await tx.put_organisation(organisation().model_copy(update={"employments": gone}), house.mill.now)
    house.on(date(2030, 5, 31))
    assert "person" not in await house.due()
    house.on(date(2030, 6, 1))
    assert (await house.due())["person"] == 1
    await house.erase_all()
    [fact] = await house.facts("person_erased")
    assert fact.body == PersonErased(person=COLLEAGUE, basis="retention")
    async with house.mill.database.read() as reader:
        people = await reader.people(EMPLOYER)
    assert [id for id, row in people.items() if not row.name] == [COLLEAGUE]
    assert "person" not in await house.due()


async def test_mails_in_the_folder_go_after_a_year(house: House) -> None:
    house.mail.mkdir()
    for name in ("2027-05-05_000001_Y15_per.eml", "2028-05-05_000002_Y15_per.eml", "2027-05-05.txt"):
        (house.mail / name).write_text("Hei Per!")
    house.on(date(2028, 5, 6))
    assert (await house.due())["mail"] == 1
    await house.erase_all()
    assert sorted(file.name for file in house.mail.iterdir()) == [
        "2027-05-05.txt",
        "2028-05-05_000002_Y15_per.eml",
    ]


async def test_an_exported_history_goes_with_what_it_proves(house: House) -> None:
    file = place(house.histories, EMPLOYER, UNIT, RUN, 7)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"history")
    body = HistoryExported(
        workflow=UNIT, run=RUN, events=7, sha256="ab" * 32, size=7, closed=True, version="0.3.0"
    )
    now = house.mill.now
    await house.append(Fact(id="h", employer=EMPLOYER, concerns=now, recorded=now, body=body))
    house.on(date(2037, 12, 30))
    assert "history" not in await house.due()
    house.on(date(2038, 1, 15))
    assert (await house.due())["history"] == 1
    await house.erase_all()
    assert not file.exists()
    assert "history" not in await house.due()


async def test_more_than_goes_together_goes_in_batches_and_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TOGETHER", 1)
    house.on(date(2038, 1, 15))
    first = await house.retention.erase_what_is_due(EraseDueRequest(employer=EMPLOYER, run="r", number=0))
    assert first.more
    assert first.request == EraseDueRequest(employer=EMPLOYER, run="r", number=0).digest
    await house.erase_all()
    assert [len(getattr(f.body, "facts", ())) for f in await house.facts("texts_erased")] == [1, 1]
    last = await house.retention.erase_what_is_due(EraseDueRequest(employer=EMPLOYER))
    assert (last.count, last.more) == (0, False)


async def test_what_an_interrupted_erasure_left_is_deleted_by_the_next(house: House) -> None:
    """The facts are committed first, and the files go afterwards."""
    house.on(date(2038, 1, 15))
    async with house.mill.database.read() as reader:
        [row] = await reader.timeline(employer=EMPLOYER, kind="evidence_submitted", limit=1)
    hash = str(row.body["document"])
    kept = await house.mill.documents.read(hash)
    await house.erase_all()
    async with house.mill.database.write(EMPLOYER) as tx:
        await house.mill.documents.put(kept, "text/plain", "vurdering.txt", house.mill.now, tx)
        await erasing.forget_document(tx, EMPLOYER, hash)
    await house.retention.finish(EMPLOYER)
    async with house.mill.database.read() as reader:
        check = await house.mill.documents.check(reader)
    assert (check.files, check.ok) == (0, True)
