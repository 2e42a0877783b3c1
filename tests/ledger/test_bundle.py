"""The bundle of a real ledger: the exact leaves, the texts that may be shown, and what follows for a cut one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from activities.checkpoints import Checkpoints
from activities.ledger import verify
from activities.ledger.bundle import Bundle, everything, write_bundle
from activities.ledger.log import LedgerError, commit, leaf_bytes
from activities.signatures import SigningKey
from activities.store import erasing
from activities.store.database import Database
from tests.ledger.bundles import private
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer, opened
from workflows.rules.events import DecisionRecorded, Fact
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.record_facts import TextsErased
from workflows.rules.terms import Outcome

TEXTS = {"f2": "Enig.", "f3": "Uenig – støyen er «ikke» målt.\nSe vedlegg."}
LATER = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundle") / "template.db"
    database = Database(str(file))
    await database.upgrade()
    await database.close()
    return file


@pytest.fixture
async def database(template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """Four leaves of which two have a text, and a checkpoint over them and the log key's fact."""
    file = tmp_path / "forsvarlig.db"
    file.write_bytes(template.read_bytes())
    async with opened(f"sqlite:///{file}") as database:
        facts, texts = [a_fact("f1")], {}
        for id, text in TEXTS.items():
            texts[id], commitment = commit(text)
            body = DecisionRecorded(
                role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32,
                version=1, comment=commitment,
            )  # fmt: skip
            facts.append(a_fact(id, body, actor="ola"))
        async with database.write(EMPLOYER) as tx:
            await tx.append([*facts, a_fact("f4")], texts)
        await checkpoint(database)
        yield database


async def checkpoint(database: Database) -> int:
    made = await Checkpoints(database, SigningKey(private("log")), lambda: LATER).make(EMPLOYER)
    return made.checkpoint.size


async def exported(
    database: Database, show: Callable[[int, Fact], bool] = everything, size: int | None = None
) -> tuple[Bundle, bytes]:
    out = BytesIO()
    async with database.read() as reader:
        written = await write_bundle(reader, EMPLOYER, out, show=show, size=size)
    return written, out.getvalue()


def lines(raw: bytes) -> list[Any]:
    return [json.loads(line) for line in raw.split(b"\n")[:-1]]


def verdict(raw: bytes, folder: Path, *more: str) -> int:
    (folder / "bundle").write_bytes(raw)
    return verify.main([str(folder / "bundle"), *more])


async def erase(database: Database, ids: Sequence[str], silently: bool = False) -> None:
    async with database.write(EMPLOYER) as tx:
        if not silently:
            fact = a_fact(f"erased {ids}", TextsErased(facts=tuple(ids), basis="retention"), step=None)
            await tx.append([fact.model_copy(update={"cycle": None, "recorded": LATER})])
        await erasing.erase_texts(tx, EMPLOYER, ids)


async def test_a_bundle_has_every_leaf_in_its_exact_bytes_and_the_verifier_finds_no_fault(
    database: Database, tmp_path: Path
) -> None:
    written, raw = await exported(database)
    async with database.read() as reader:
        leaves = [leaf_bytes(seq, fact) for seq, fact in await reader.facts(EMPLOYER)]
    found = [line for line in raw.split(b"\n")[2:-1] if b'"salt"' not in line[:8]]
    assert found == leaves
    assert lines(raw)[0] == {
        "format": "forsvarlig-ledger-1", "employer": EMPLOYER, "leaves": 5, "checkpoints": 1,
        "origin": f"forsvarlig/923609016/{EMPLOYER}",
    }  # fmt: skip
    assert (written.size, written.leaves, written.checkpoints, written.withheld) == (5, 5, 1, 0)
    assert written.sha256 == hashlib.sha256(raw).hexdigest()
    assert verdict(raw, tmp_path) == 0


async def test_a_text_stands_under_its_leaf_with_its_salt(database: Database) -> None:
    _, raw = await exported(database)
    found = lines(raw)
    under = {found[n]["id"]: line["text"] for n, line in enumerate(found[1:]) if "text" in line}
    assert under == TEXTS


async def test_texts_that_may_not_be_shown_are_withheld_and_counted(
    database: Database, tmp_path: Path
) -> None:
    written, raw = await exported(database, lambda seq, fact: fact.id == "f2")
    assert written.withheld == 1
    assert TEXTS["f3"].split()[0].encode() not in raw
    assert verdict(raw, tmp_path) == 0


async def test_an_erased_text_is_bare_and_no_fault(database: Database, tmp_path: Path) -> None:
    await erase(database, ["f3"])
    await checkpoint(database)
    written, raw = await exported(database)
    assert written.withheld == 0
    assert (b"vedlegg" in raw, verdict(raw, tmp_path)) == (False, 0)


async def test_a_text_that_is_gone_and_was_never_erased_is_a_fault(
    database: Database, tmp_path: Path
) -> None:
    await erase(database, ["f3"], silently=True)
    _, raw = await exported(database)
    assert verdict(raw, tmp_path) == 1


async def test_a_bundle_may_end_at_an_older_checkpoint_though_a_text_was_erased_since(
    database: Database, tmp_path: Path
) -> None:
    before = await exported(database, lambda seq, fact: False, size=5)
    await erase(database, ["f3"])
    await checkpoint(database)
    after = await exported(database, lambda seq, fact: False, size=5)
    assert after == before
    assert verdict(after[1], tmp_path) == 0


async def test_it_ends_at_the_newest_checkpoint_for_what_comes_after_could_be_changed_unseen(
    database: Database, tmp_path: Path
) -> None:
    before = await exported(database)
    async with database.write(EMPLOYER) as tx:
        await tx.append([a_fact("f5").model_copy(update={"recorded": LATER})])
    assert await exported(database) == before
    assert verdict(before[1], tmp_path) == 0


async def test_without_a_checkpoint_there_is_no_bundle_and_it_says_what_to_do(database: Database) -> None:
    await add_employer(database, "annen")
    async with database.read() as reader:
        with pytest.raises(LedgerError, match="forsvarlig ledger checkpoint"):
            await write_bundle(reader, "annen", BytesIO())
