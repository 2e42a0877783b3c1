"""What somebody with the run of the database can do to a ledger, and what of it the verifier sees.

Each attack is made on a real database, past the store and its triggers; the bundle is exported afterwards. Every row
says what is found from the bundle alone, and with an anchor that was kept outside before. What is not found is said
here too, and in words where users read about the ledger.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from activities.checkpoints import Checkpoints
from activities.ledger import verify
from activities.ledger.bundle import write_bundle
from activities.ledger.heads import anchor
from activities.ledger.log import canonical, commit, leaf_bytes
from activities.ledger.merkle import Frontier, leaf_hash
from activities.ledger.notes import log_vkey
from activities.signatures import SigningKey
from activities.store.database import Database
from tests.activities.sawmill import EMPLOYER, UNIT, Sawmill
from tests.ledger.bundles import private, signature_line
from workflows.rules.authority_facts import KeyEnrolled
from workflows.rules.events import DecisionRecorded, Fact, StepClosed
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.record_facts import TextsErased
from workflows.rules.statement import Authentication, Decide, EnrolKey, Statement
from workflows.rules.terms import Outcome

ORIGIN = f"forsvarlig/923609016/{EMPLOYER}"
LOG, PERS = private("log"), private("per")


class Scene(NamedTuple):
    """A ledger's folder, and the anchors that its safety representative has kept: of a while ago, and the newest."""

    folder: Path
    early: str
    late: str


@pytest.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("attacked")
    anchors = []
    async with Sawmill.started(folder) as mill:
        await mill.go(date(2027, 5, 10))
        log = SigningKey(LOG)
        checkpoints = Checkpoints(mill.database, log, lambda: mill.now)

        async def anchored() -> None:
            made = await checkpoints.make(EMPLOYER)
            anchors.append(str(anchor(log_vkey(ORIGIN, log.public_key), made.note)))

        await anchored()
        own = SigningKey(PERS)
        enrolled = EnrolKey(person="per", public_key=own.public_key)
        assert (await mill.doors.act(EMPLOYER, "per", enrolled, now=mill.now, nonce="key")).accepted
        filed = await mill.file("Y15", "kari")
        text, commitment = commit("Støyen er ikke målt.")
        said = Decide(
            role=Role.SAFETY_REP, outcome=Outcome.AGREED_WITH_REMARKS, version=1, comment=commitment,
            document=filed.fact.body.document,  # type: ignore[union-attr]
        )  # fmt: skip
        receipt = await mill.doors.act(
            EMPLOYER, "per", said, now=mill.now, nonce="agrees", cycle=UNIT, step="Y15", texts=[text], own=own
        )
        assert receipt.accepted
        mill.now += timedelta(minutes=1)
        await mill.advance()
        await anchored()
        await mill.decide("Y15", "kari", Role.MANAGER, Outcome.APPROVED, "Vi måler støyen i mai.")
        await mill.go(date(2027, 6, 10))
        await anchored()
    return Scene(folder, anchors[1], anchors[2])


class Insider:
    """Somebody with the database file, and no scruples."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.db = sqlite3.connect(file, isolation_level=None)
        for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            self.db.execute(f"DROP TRIGGER {name}")
        self.leaves: list[bytes] = [
            row[0] for row in self.db.execute("SELECT body FROM ledger_leaf ORDER BY seq")
        ]
        self.notes: list[str] = [
            row[0] for row in self.db.execute("SELECT note FROM ledger_checkpoint ORDER BY size")
        ]

    def fact(self, place: int) -> Any:
        return json.loads(self.leaves[place - 1])

    def place(self, kind: str, actor: str | None = None) -> int:
        """Of the last fact of a kind."""
        return max(
            n for n, leaf in enumerate(self.leaves, 1)
            if (f := json.loads(leaf))["body"]["kind"] == kind and actor in (None, f["actor"])
        )  # fmt: skip

    def change(self, place: int, **parts: Any) -> None:
        fact = self.fact(place)
        fact["body"].update(parts.pop("body", {}))
        self.leaves[place - 1] = canonical({**fact, **parts})

    def renumber(self) -> None:
        self.leaves = [canonical({**json.loads(leaf), "seq": n}) for n, leaf in enumerate(self.leaves, 1)]

    def append(self, fact: Fact) -> None:
        self.leaves.append(leaf_bytes(len(self.leaves) + 1, fact))

    def like_the_last(self, **parts: Any) -> Fact:
        now = max(self.fact(len(self.leaves))["recorded"], self.notes[-1].partition("\ntime ")[2][:20])
        base = {"id": "forged", "employer": EMPLOYER, "concerns": now, "recorded": now}
        return Fact.model_validate({**base, **parts})

    def resign(self, key: Ed25519PrivateKey) -> None:
        """Make every checkpoint anew over the leaves as they are now, and one over the last of them."""
        old = [verify.NOTE.fullmatch(note) for note in self.notes]
        sizes = {int(n[3]): n[5] for n in old if n and int(n[3]) < len(self.leaves)}
        sizes[len(self.leaves)] = max(self.fact(len(self.leaves))["recorded"], *sizes.values())
        frontier, self.notes = Frontier(), []
        for n, leaf in enumerate(self.leaves, 1):
            frontier = frontier.append(leaf_hash(leaf))
            if n in sizes:
                text = f"{ORIGIN}\n{n}\n{base64.b64encode(frontier.root).decode()}\ntime {sizes[n]}\n"
                if self.notes:
                    text += f"prev {hashlib.sha256(self.notes[-1].encode()).hexdigest()}\n"
                self.notes.append(f"{text}\n{signature_line(ORIGIN, key, text)}")

    def save(self) -> None:
        """Write it all back, with every hash, node and head as they should be."""
        self.db.execute("DELETE FROM ledger_leaf")
        frontier = Frontier()
        for n, leaf in enumerate(self.leaves, 1):
            fact = json.loads(leaf)
            frontier = frontier.append(leaf_hash(leaf))
            self.db.execute(
                "INSERT INTO ledger_leaf (employer, seq, fact_id, cycle, step, kind, body, hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (EMPLOYER, n, fact["id"], fact["cycle"], fact["step"], fact["body"]["kind"], leaf, leaf_hash(leaf)),
            )  # fmt: skip
        self.db.execute("DELETE FROM ledger_node")
        self.db.execute(
            "UPDATE ledger_head SET size = ?, root = ?, frontier = ?",
            (frontier.size, frontier.root, frontier.to_bytes()),
        )
        self.db.execute("DELETE FROM ledger_checkpoint")
        for note in self.notes:
            found = verify.NOTE.fullmatch(note)
            assert found is not None
            self.db.execute(
                "INSERT INTO ledger_checkpoint VALUES (?, ?, ?, '2027-01-04 07:00:00')",
                (EMPLOYER, int(found[3]), note),
            )


# --- the attacks ----------------------------------------------------------------------------------


def edit_a_leaf(insider: Insider) -> None:
    insider.change(insider.place("step_closed"), body={"late": True})


def edit_and_recompute_without_the_log_key(insider: Insider) -> None:
    edit_a_leaf(insider)
    insider.resign(private("stranger"))


def edit_a_text(insider: Insider) -> None:
    insider.db.execute("UPDATE payload SET text = 'Alt er målt.'")


def edit_a_text_with_a_new_salt(insider: Insider) -> None:
    insider.db.execute("UPDATE payload SET text = 'Alt er målt.', salt = zeroblob(32)")


def take_a_text_away(insider: Insider) -> None:
    insider.db.execute("DELETE FROM payload")


def take_a_text_away_and_call_it_time(insider: Insider) -> None:
    """A retention that the installation says ran out, though it had not."""
    ids = tuple(row[0] for row in insider.db.execute("SELECT fact_id FROM payload"))
    insider.db.execute("DELETE FROM payload")
    insider.append(insider.like_the_last(body=TextsErased(facts=ids, basis="retention")))
    insider.resign(LOG)


def remove_a_leaf(insider: Insider) -> None:
    del insider.leaves[insider.place("asked") - 1]


def remove_and_renumber(insider: Insider) -> None:
    remove_a_leaf(insider)
    insider.renumber()


def swap_two_leaves(insider: Insider) -> None:
    leaves = insider.leaves
    leaves[-1], leaves[-2] = leaves[-2], leaves[-1]


def put_another_employers_leaf_in(insider: Insider) -> None:
    insider.change(insider.place("asked"), employer="annen-bedrift")
    insider.resign(LOG)


def cut_below_the_last_checkpoint(insider: Insider) -> None:
    del insider.leaves[-3:]


def sign_all_with_another_key(insider: Insider) -> None:
    insider.resign(private("stranger"))


def back_date(insider: Insider) -> None:
    fact = insider.like_the_last(body=insider_closed(insider), cycle=UNIT, step="Y15")
    insider.append(fact.model_copy(update={"recorded": fact.recorded - timedelta(days=30)}))
    insider.resign(LOG)


def roll_back(insider: Insider) -> None:
    """Everything since an older checkpoint never was."""
    found = verify.NOTE.fullmatch(insider.notes[1])
    assert found is not None
    del insider.leaves[int(found[3]) :]
    del insider.notes[2:]
    texts = {json.loads(leaf)["id"] for leaf in insider.leaves}
    for (id,) in insider.db.execute("SELECT fact_id FROM payload").fetchall():
        if id not in texts:
            insider.db.execute("DELETE FROM payload WHERE fact_id = ?", (id,))


def rewrite_with_the_stolen_log_key(insider: Insider) -> None:
    insider.change(insider.place("step_closed"), body={"late": True})
    insider.resign(LOG)


def rewrite_what_is_old_with_the_stolen_log_key(insider: Insider) -> None:
    insider.change(insider.place("cycle_started"), body={"law": "00" * 32})
    insider.resign(LOG)


def drop_an_old_checkpoint(insider: Insider) -> None:
    del insider.notes[1]


def drop_the_first_checkpoint(insider: Insider) -> None:
    del insider.notes[0]


def leave_an_event_out(insider: Insider) -> None:
    """The year's last fact is never written: there is nothing to see it by."""
    del insider.leaves[-1]
    insider.notes.pop()
    insider.resign(LOG)


def say_another_time_from_the_start(insider: Insider) -> None:
    """A clock that was wrong all the time; what people signed has its own time, so theirs are left."""
    for n in range(1, insider.place("log_key_enrolled") + 1):
        fact = insider.fact(n)
        if "signed" not in fact:
            insider.change(n, recorded="2027-01-04T06:00:00Z")
    insider.resign(LOG)


def insider_closed(insider: Insider) -> StepClosed:
    body = insider.fact(insider.place("evidence_submitted"))["body"]
    return StepClosed(document=body["document"], version=1, late=False)


def forged(insider: Insider, actor: str, key: SigningKey | None, method: str = "key_file") -> None:
    body = insider.fact(insider.place("evidence_submitted"))["body"]
    said: dict[str, Any] = {
        "role": Role.SAFETY_REP, "outcome": Outcome.AGREED, "document": body["document"], "version": 1,
    }  # fmt: skip
    fact = insider.like_the_last(
        id=f"{UNIT}/Y15#act {actor} forged", cycle=UNIT, step="Y15", actor=actor,
        body=DecisionRecorded(asked=Kind.CONSULT, **said),
    )  # fmt: skip
    if key is not None:
        statement = Statement(
            employer=EMPLOYER, cycle=UNIT, step="Y15", actor=actor, act=Decide(**said), nonce="forged",
            issued=fact.recorded, expires=fact.recorded + timedelta(minutes=10),
            authentication=Authentication.model_validate({"method": method}),
        )  # fmt: skip
        fact = fact.model_copy(update={"signed": key.sign(statement)})
    insider.append(fact)
    insider.resign(LOG)


def forge_an_unsigned_decision(insider: Insider) -> None:
    forged(insider, "per", None)


def forge_a_decision_with_a_key_of_ones_own(insider: Insider) -> None:
    forged(insider, "per", SigningKey(private("stranger")))


def forge_a_decision_with_the_installations_key(insider: Insider) -> None:
    """For somebody who has an own key."""
    forged(insider, "per", SigningKey.load(insider.file.parent / "keys" / "installation.pem"), "desk")


def forge_a_decision_for_one_without_a_key(insider: Insider) -> None:
    forged(insider, "vera", SigningKey.load(insider.file.parent / "keys" / "installation.pem"), "desk")


def enrol_a_key_for_somebody_unsigned(insider: Insider) -> None:
    key = SigningKey(private("stranger"))
    insider.append(
        insider.like_the_last(
            body=KeyEnrolled(key=key.id, public_key=key.public_key, person="per"), actor="per"
        )
    )
    forged(insider, "per", key)


def forge_that_a_step_is_closed(insider: Insider) -> None:
    """The rules say so, not a person: nobody signs it."""
    insider.append(insider.like_the_last(body=insider_closed(insider), cycle=UNIT, step="Y15"))
    insider.resign(LOG)


def turn_a_signed_answer_round(insider: Insider) -> None:
    insider.change(insider.place("decision_recorded", "per"), body={"outcome": "agreed"})
    insider.resign(LOG)


def use_a_signed_answer_again(insider: Insider) -> None:
    """Per's own words once more, at another time."""
    fact = insider.fact(insider.place("decision_recorded", "per"))
    now = insider.like_the_last(body=insider_closed(insider)).recorded
    again = {"id": f"{fact['id']} again", "seq": len(insider.leaves) + 1, "recorded": now}
    id = insider.fact(insider.place("decision_recorded", "per"))["id"]
    insider.leaves.append(canonical({**fact, **again}))
    insider.db.execute(
        "INSERT INTO payload SELECT employer, ?, salt, text FROM payload WHERE fact_id = ?", (again["id"], id)
    )
    insider.resign(LOG)


CHANGED, PERSONS, ANCHORS = verify.COPY, verify.PERSON, verify.ANCHOR
MATRIX: list[tuple[Callable[[Insider], None], str | None, str | None, str | None]] = [
    # the attack; what is found in the bundle alone; with the early anchor; with the newest
    (edit_a_leaf, CHANGED, CHANGED, CHANGED),
    (edit_and_recompute_without_the_log_key, CHANGED, CHANGED, CHANGED),
    (edit_a_text, CHANGED, CHANGED, CHANGED),
    (edit_a_text_with_a_new_salt, CHANGED, CHANGED, CHANGED),
    (take_a_text_away, CHANGED, CHANGED, CHANGED),
    (remove_a_leaf, CHANGED, CHANGED, CHANGED),
    (remove_and_renumber, CHANGED, CHANGED, CHANGED),
    (swap_two_leaves, CHANGED, CHANGED, CHANGED),
    (put_another_employers_leaf_in, CHANGED, CHANGED, CHANGED),
    (cut_below_the_last_checkpoint, CHANGED, CHANGED, CHANGED),
    (sign_all_with_another_key, CHANGED, CHANGED, CHANGED),
    (back_date, CHANGED, CHANGED, CHANGED),
    (drop_an_old_checkpoint, CHANGED, CHANGED, CHANGED),
    (drop_the_first_checkpoint, CHANGED, CHANGED, CHANGED),
    (forge_an_unsigned_decision, PERSONS, PERSONS, PERSONS),
    (forge_a_decision_with_a_key_of_ones_own, PERSONS, PERSONS, PERSONS),
    (forge_a_decision_with_the_installations_key, PERSONS, PERSONS, PERSONS),
    (enrol_a_key_for_somebody_unsigned, PERSONS, PERSONS, PERSONS),
    (turn_a_signed_answer_round, PERSONS, PERSONS, PERSONS),
    (use_a_signed_answer_again, PERSONS, PERSONS, PERSONS),
    # What only an anchor shows, and only for what the anchor is of.
    (roll_back, None, None, ANCHORS),
    (rewrite_with_the_stolen_log_key, None, None, ANCHORS),
    (rewrite_what_is_old_with_the_stolen_log_key, None, ANCHORS, ANCHORS),
    (say_another_time_from_the_start, None, ANCHORS, ANCHORS),
    # What nothing shows when it is done after the anchor was made, or before it was recorded.
    (leave_an_event_out, None, None, ANCHORS),
    (forge_a_decision_for_one_without_a_key, None, None, None),
    (forge_that_a_step_is_closed, None, None, None),
    (take_a_text_away_and_call_it_time, None, None, None),
]


@pytest.fixture
def attacked(scene: Scene, tmp_path: Path) -> Iterator[Insider]:
    folder = Path(shutil.copytree(scene.folder, tmp_path / "attacked"))
    insider = Insider(folder / "forsvarlig.db")
    yield insider
    insider.db.close()


async def found(
    scene: Scene, insider: Insider, folder: Path, capsys: pytest.CaptureFixture[str]
) -> list[str | None]:
    """The remedy that is named, for the bundle alone and with each anchor; None where no fault is found."""
    database, out = Database(str(insider.file)), BytesIO()
    async with database.read() as reader:
        await write_bundle(reader, EMPLOYER, out)
    await database.close()
    (folder / "bundle").write_bytes(out.getvalue())
    (folder / "early").write_text(scene.early, "utf-8")
    (folder / "late").write_text(scene.late, "utf-8")
    said: list[str | None] = []
    for anchors in ([], ["early"], ["late"]):
        code = verify.main([str(folder / "bundle"), *(str(folder / name) for name in anchors)])
        output = capsys.readouterr().out
        remedies = [r for r in (CHANGED, PERSONS, ANCHORS) if r in output]
        assert (code == 1) == bool(remedies), output
        said.append(remedies[0] if remedies else None)
    return said


async def test_an_untouched_ledger_has_no_fault(
    scene: Scene, attacked: Insider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await found(scene, attacked, tmp_path, capsys) == [None, None, None]


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row[0].__name__)
async def test_an_attack_is_found_or_said_not_to_be(
    row: tuple[Callable[[Insider], None], str | None, str | None, str | None],
    scene: Scene, attacked: Insider, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    attack, *expected = row
    attack(attacked)
    attacked.save()
    assert await found(scene, attacked, tmp_path, capsys) == expected


async def test_two_views_of_one_ledger_are_told_apart_when_their_anchors_meet(
    scene: Scene, attacked: Insider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fork: each holder sees a whole ledger, and neither anchor fits the other's."""
    rewrite_with_the_stolen_log_key(attacked)
    attacked.save()
    assert await found(scene, attacked, tmp_path, capsys) == [None, None, ANCHORS]


async def test_leaves_after_the_last_checkpoint_are_in_no_bundle_and_may_be_cut_off_unseen(
    scene: Scene, attacked: Insider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = len(attacked.leaves)
    for n in range(3):
        attacked.append(
            attacked.like_the_last(id=f"more {n}", body=insider_closed(attacked), cycle=UNIT, step="Y15")
        )
    attacked.save()
    assert await found(scene, attacked, tmp_path, capsys) == [None, None, None]
    verify.main([str(tmp_path / "bundle")])
    assert f"- {size} facts" in capsys.readouterr().out


async def test_a_bundle_whose_later_checkpoints_were_taken_out_has_a_fault(
    scene: Scene, attacked: Insider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else whoever holds the file could change every fact after the first checkpoint, without any key."""
    assert await found(scene, attacked, tmp_path, capsys) == [None, None, None]
    head, first, *rest = (tmp_path / "bundle").read_bytes().splitlines(keepends=True)
    wanted = json.loads(head) | {"checkpoints": 1}
    leaves = [line for line in rest if not line.startswith(b'{"checkpoint"')]
    (tmp_path / "cut").write_bytes(b"".join([canonical(wanted), b"\n", first, *leaves]))
    assert verify.main([str(tmp_path / "cut")]) == 1
    assert "under no checkpoint" in capsys.readouterr().out
