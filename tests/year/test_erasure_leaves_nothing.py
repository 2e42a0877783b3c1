"""G14: what was erased is in no file of the installation, the ledger still proves itself, and the year goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import date, timedelta
from itertools import count
from pathlib import Path

from activities.ledger import verify
from activities.ledger.bundle import write_bundle
from activities.ledger.log import Payload, commit
from activities.organisations import put_in_force
from activities.receipts import Receipt
from activities.store.rows import InboxRow, PersonRow
from tests.rules.employers import employer
from tests.year.live import Live, begin, february, installed, until
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary
from worker.serving import serving
from workflows.rules.organisation import Organisation
from workflows.rules.statement import (
    Act,
    Decide,
    EraseDocument,
    ErasePerson,
    EraseText,
    SetAbsence,
    SetRetention,
)
from workflows.rules.terms import Outcome

TOP, HR, MANAGER, REP = "p1", "p2", "p3", "p4"
STAY = (TOP, HR, MANAGER, REP)
LEAVERS = [f"p{n}" for n in range(5, 18)]

TEXTS = {
    "comment": "Kanarifugl-uenig: Ole er syk",
    "reason": "Kanarifugl-grunn: ti år er for lenge",
    "waiting": "Kanarifugl-ventet: aldri brukt",
}
DOCUMENT, FILE = "Kanarifugl-innhold: vurderingen av Ole", "Kanarifugl-filnavn.txt"

_nonces = count(1)


def row(home: str, id: str) -> PersonRow:
    """A person whose name, address and number are canaries of their own."""
    number = id.removeprefix("p").zfill(3)
    return PersonRow(
        employer=home, id=id, name=f"Kanari Fugl{number}sen", email=f"fugl{number}@kanari.example",
        external_key=f"KF-{number}-nr",
    )  # fmt: skip


def canaries(home: str) -> list[str]:
    people = [row(home, id) for id in LEAVERS]
    named = [said for p in people for said in (p.name, p.email, p.external_key) if said]
    return [*TEXTS.values(), DOCUMENT, FILE, *named]


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything that the installation and its engine have written."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def found_in(folder: Path, wanted: list[str]) -> dict[str, list[str]]:
    """Which of them stand somewhere, and in which files."""
    whole = files_of(folder)
    return {
        canary: where
        for canary in wanted
        if (where := [name for name, content in whole.items() if canary.encode() in content])
    }


async def act(live: Live, who: str, said: Act, *texts: Payload, **where: str) -> Receipt:
    receipt = await live.installation.doors.act(
        live.employer, who, said, now=february(), nonce=f"n{next(_nonces)}", texts=texts, **where
    )
    assert receipt.accepted, (said.act, receipt.reason)
    return receipt


async def agreed(live: Live, first: str, second: str, said: Act) -> Receipt:
    assert (await act(live, first, said)).fact.kind == "erasure_asked"
    return await act(live, second, said)


async def asked_of(live: Live, person: str, step: str, what: str) -> InboxRow:
    """What the person is asked for in a step of the employer's year, as soon as it is so."""
    found = list[InboxRow]()

    async def asked() -> bool:
        async with live.installation.database.read() as reader:
            tasks = await reader.inbox(employer=live.employer, person=person, cycle=live.year)
        found.extend(task for task in tasks if (task.step, task.what) == (step, what))
        return bool(found)

    await until(asked)
    return found[0]


async def files(live: Live, step: str, content: str, name: str) -> str:
    """HR files a document in a step; its hash."""
    async with live.installation.database.write(live.employer) as tx:
        document = await live.installation.documents.put(content.encode(), "text/plain", name, february(), tx)
    receipt = await live.installation.doors.submit(
        live.year, step, HR, document.hash, now=february(), nonce=f"n{next(_nonces)}"
    )
    assert receipt.accepted, receipt.reason
    return document.hash


async def proved(bundle: Path) -> bool:
    """Whether the standalone verifier finds no fault."""
    program = [sys.executable, "-I", "-S", verify.__file__, str(bundle)]
    return (await asyncio.to_thread(subprocess.run, program, check=False)).returncode == 0


def gone_from_last_year(home: str) -> Organisation:
    made = employer(17).model_copy(update={"employer": home})
    left = date(2026, 9, 1)
    return made.model_copy(
        update={
            "employments": tuple(
                e.model_copy(update={"until": left}) if e.person in LEAVERS else e for e in made.employments
            )
        }
    )


async def test_no_canary_survives_its_erasure_anywhere_and_the_year_goes_on(tmp_path: Path) -> None:
    engine = EmbeddedEngine(
        temporal_binary(), database=tmp_path / "temporal.db", log_file=tmp_path / "engine.log"
    )
    async with engine, installed(engine.address, tmp_path) as live, serving(live.installation, live.client):
        await begin(live)
        installation, home = live.installation, live.employer
        wanted = canaries(home)
        assert len(wanted) >= 25
        async with installation.database.write(home) as tx:
            await tx.put_people([row(home, id) for id in (*STAY, *LEAVERS)])

        # The people write, file, and are told; some of it names the others.
        await asked_of(live, HR, "Y02", "evidence")
        hash = await files(live, "Y02", DOCUMENT, FILE)
        consulted = await asked_of(live, REP, "Y02", "consult")
        text, commitment = commit(TEXTS["comment"])
        disagrees = Decide(
            role=consulted.role,
            outcome=Outcome.DISAGREES,
            document=hash,
            version=consulted.version,
            comment=commitment,
        )
        comment = await act(live, REP, disagrees, text, cycle=live.year, step="Y02")
        text, commitment = commit(TEXTS["reason"])
        reason = await act(live, HR, SetRetention(records="mail", days=400, comment=commitment), text)
        await installation.doors.deposit(home, TEXTS["waiting"], february() - timedelta(days=31))
        today = february().date()
        for leaver in LEAVERS:
            away = SetAbsence(person=MANAGER, substitute=leaver, since=today, until=today + timedelta(days=2))
            await act(live, HR, away)
        mail = installation.settings.mail_directory

        async def mailed() -> bool:
            return mail.is_dir() and len(list(mail.glob("*.eml"))) >= len(LEAVERS)

        await until(mailed)
        there = found_in(tmp_path, wanted)
        assert there.keys() == set(wanted), "every canary was somewhere before"
        assert any(name.startswith("live") and "mail" in name for names in there.values() for name in names)

        # The leavers are gone, and everything about them that can be is erased.
        await put_in_force(installation.database, gone_from_last_year(home), (), february())
        await agreed(live, REP, TOP, EraseText(facts=(comment.fact.id,), basis="request"))
        await agreed(live, HR, REP, EraseText(facts=(reason.fact.id,), basis="mistake"))
        async with installation.database.read() as reader:
            people = await reader.people(home)
        await files(live, "Y02", "Uten navn", "v2.txt")
        await agreed(live, HR, REP, EraseDocument(document=hash, basis="mistake"))
        for leaver in LEAVERS:
            await act(live, HR, ErasePerson(person=leaver, basis="left"))
            installation.erased_files.delete(await installation.erased_files.mails_about(people[leaver]))
        erased, more = await installation.retention.erase(home)
        assert (erased >= 1, more) == (True, False)
        await installation.retention.finish(home)
        assert found_in(tmp_path, wanted) == {}
        assert found_in(tmp_path, [row(home, id).name for id in STAY]).keys() == {
            row(home, id).name for id in STAY
        }

        # The record proves itself, here and to somebody with nothing but the file.
        await installation.checkpoints.make(home)
        bundle = tmp_path / "bundle.jsonl"
        async with installation.database.read() as reader:
            assert (await reader.verify(home)).ok
            with bundle.open("wb") as out:
                await write_bundle(reader, home, out)
        assert found_in(tmp_path, wanted) == {}
        assert await proved(bundle), "by the verifier that needs nothing but the file"

        # And the year goes on.
        await asked_of(live, HR, "Y06", "evidence")
        await files(live, "Y06", "Ny vurdering", "ny.txt")
        for cycle in (live.year, live.unit):
            await live.has_heard_everything(cycle, 20)
            await live.never_stuck(cycle)
