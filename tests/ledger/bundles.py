"""Bundles made without the product's store: a ledger of a realistic mix, signed by a second, small signer.

The notes are written here once more, from the specification, so that the product's own are compared with them.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from activities.ledger import verify
from activities.ledger.log import Payload, canonical, commitment, leaf_bytes
from activities.ledger.merkle import Frontier, leaf_hash
from activities.signatures import SigningKey
from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.events import Asked, Body, DecisionRecorded, EvidenceSubmitted, Fact, StepOpened
from workflows.rules.keys import key_id
from workflows.rules.organisation import Holder, Role
from workflows.rules.programme import Kind
from workflows.rules.record_facts import LogKeyEnrolled, TextsErased
from workflows.rules.statement import (
    Act,
    Authentication,
    Decide,
    EnrolKey,
    EraseText,
    File,
    RevokeKey,
    Statement,
    pae,
    sealed,
)
from workflows.rules.terms import Outcome, unit_cycle

EMPLOYER = "nordfjord-tre"
ORIGIN = f"forsvarlig/923609016/{EMPLOYER}"
START = datetime(2027, 1, 4, 7, tzinfo=UTC)
UNIT = unit_cycle(EMPLOYER, "sagbruk", 2027)
DOCUMENT = hashlib.sha256(b"Kartlegging").hexdigest()


def private(seed: str) -> Ed25519PrivateKey:
    """The same key each time for the same seed."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def vkey(name: str, key: Ed25519PrivateKey, kind: bytes = b"\x01") -> str:
    """C2SP signed-note: name, key id and key."""
    public = kind + key.public_key().public_bytes_raw()
    hashed = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    return f"{name}+{hashed.hex()}+{base64.b64encode(public).decode()}"


def signature_line(name: str, key: Ed25519PrivateKey, text: str) -> str:
    """C2SP signed-note: a signature of the log."""
    hashed = bytes.fromhex(vkey(name, key).split("+")[1])
    return f"— {name} {base64.b64encode(hashed + key.sign(text.encode())).decode()}\n"


def cosignature_line(name: str, key: Ed25519PrivateKey, text: str, when: datetime) -> str:
    """C2SP tlog-cosignature: a signature of a witness."""
    hashed = bytes.fromhex(vkey(name, key, b"\x04").split("+")[1])
    seconds = int(when.timestamp())
    made = key.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
    return f"— {name} {base64.b64encode(hashed + seconds.to_bytes(8) + made).decode()}\n"


class Ledger:
    """A ledger that is written fact by fact, a minute apart. What it says of itself may be falsified on purpose."""

    def __init__(self, log: str = "log", origin: str = ORIGIN) -> None:
        self.origin, self.now, self.frontier = origin, START, Frontier()
        self.installation = SigningKey(private("installation"))
        self.people: dict[str, SigningKey] = {}
        self.leaves: list[bytes] = []
        self.under: dict[int, bytes] = {}
        self.texts: dict[str, int] = {}
        self.notes: list[str] = []
        self.roots: dict[int, bytes] = {}
        self.log = private(log)

    # --- facts ------------------------------------------------------------------------------------

    def fact(self, body: Body, *, id: str | None = None, **changes: object) -> Fact:
        """A fact of the unit's step Y07 now; of the employer with `cycle=None`."""
        self.now += timedelta(minutes=1)
        parts = {
            "id": id or f"f{len(self.leaves) + 1}", "employer": EMPLOYER, "cycle": UNIT, "step": "Y07",
            "concerns": self.now, "recorded": self.now, "body": body, **changes,
        }  # fmt: skip
        return Fact.model_validate(parts)

    def add(self, fact: Fact, text: Payload | None = None) -> int:
        """The place of the fact."""
        place = self.add_leaf(leaf_bytes(len(self.leaves) + 1, fact))
        if text is not None:
            self.texts[fact.id] = place
            self.under[place] = canonical({"salt": text.salt.hex(), "text": text.text})
        return place

    def add_leaf(self, leaf: bytes) -> int:
        self.leaves.append(leaf)
        self.frontier = self.frontier.append(leaf_hash(leaf))
        self.roots[len(self.leaves)] = self.frontier.root
        return len(self.leaves)

    def act(
        self, actor: str, act: Act, body: Body, text: Payload | None = None, *, key: SigningKey | None = None,
        **changes: object,
    ) -> int:  # fmt: skip
        """The fact of an act, signed with the actor's own key or else with the installation's."""
        of_step = act.act in ("decide", "file", "answer", "move_due_date")
        place = {"cycle": UNIT, "step": "Y07"} if of_step else {"cycle": None, "step": None}
        nonce, own = f"n{len(self.leaves)}", key or self.people.get(actor)
        at = self.now + timedelta(minutes=1)
        statement = Statement.model_validate(
            {
                "employer": EMPLOYER, **place, "actor": actor, "act": act, "nonce": nonce, "issued": at,
                "expires": at + timedelta(minutes=10),
                "authentication": Authentication(method="key_file" if own else "desk"),
            }
        )  # fmt: skip
        where = f"{UNIT}/Y07" if of_step else EMPLOYER
        signed = (own or self.installation).sign(statement)
        parts = {"id": f"{where}#act {actor} {nonce}", **place, "signed": signed, "via": "desk", **changes}
        return self.add(self.fact(body, **{"actor": actor, **parts}), text)  # type: ignore[arg-type]

    def begin(self) -> None:
        """The installation's key and the log's."""
        own = self.installation
        self.add(self.fact(KeyEnrolled(key=own.id, public_key=own.public_key), cycle=None, step=None))
        self.enrol_log(self.log)

    def enrol_log(
        self, key: Ed25519PrivateKey, previous: Ed25519PrivateKey | None = None, lost: bool = False
    ) -> None:
        """Have checkpoints signed with `key` from here on."""
        raw = key.public_key().public_bytes_raw()
        public, before = base64.b64encode(raw).decode(), None
        if previous is not None:
            before = key_id(previous.public_key().public_bytes_raw())
        said = f"forsvarlig log key\n{EMPLOYER}\n{public}\n{before or ''}\n".encode()
        by_old = base64.b64encode(previous.sign(said)).decode() if previous is not None and not lost else None
        body = LogKeyEnrolled(
            key=key_id(raw), public_key=public, signature=base64.b64encode(key.sign(said)).decode(),
            previous=before, previous_signature=by_old,
        )  # fmt: skip
        self.add(self.fact(body, cycle=None, step=None))
        self.log = key

    def enrol(self, person: str) -> None:
        """A key of the person's own, vouched for by the installation."""
        key = SigningKey(private(person))
        act = EnrolKey(person=person, public_key=key.public_key)
        self.act(person, act, KeyEnrolled(key=key.id, public_key=key.public_key, person=person))
        self.people[person] = key

    def revoke(self, person: str, by: str | None = None) -> None:
        key = self.people[person]
        self.act(by or person, RevokeKey(key=key.id, reason="lost"), KeyRevoked(key=key.id, reason="lost"))
        del self.people[person]

    def file(self, actor: str, version: int = 1) -> int:
        return self.act(actor, File(document=DOCUMENT), EvidenceSubmitted(document=DOCUMENT, version=version))

    def decide(self, actor: str, text: str | None = None, **changes: object) -> int:
        """The safety representative agrees, with what is written beside the ledger."""
        kept = Payload(salt=hashlib.sha256(f"salt{len(self.leaves)}".encode()).digest(), text=text or "")
        said = {
            "role": Role.SAFETY_REP, "outcome": Outcome.AGREED, "document": DOCUMENT, "version": 1,
            "comment": commitment(kept.salt, text) if text else None,
        }  # fmt: skip
        body = DecisionRecorded.model_validate({**said, "asked": Kind.CONSULT, **changes})
        return self.act(actor, Decide.model_validate(said), body, kept if text else None)

    def erase(self, actor: str, *ids: str, silently: bool = False) -> None:
        """The texts of these facts are gone, and unless `silently` a fact says so."""
        if not silently:
            self.act(actor, EraseText(facts=ids, basis="request"), TextsErased(facts=ids, basis="request"))
        for id in ids:
            del self.under[self.texts[id]]

    def system(self) -> int:
        return self.add(self.fact(StepOpened(due=date(2027, 2, 12))))

    def ask(self) -> int:
        people = tuple(Holder(person=f"p{n}") for n in range(3))
        return self.add(self.fact(Asked(what="consult", role=Role.SAFETY_REP, people=people, version=1)))

    # --- what the product would not write -----------------------------------------------------------

    def rewrite(self, change: Callable[[Any], object]) -> int:
        """Have the newest leaf say something else; `change` is given it as JSON has it. Its place."""
        fact = json.loads(self.leaves.pop())
        change(fact)
        return self.put(canonical(fact))

    def put(self, *leaves: bytes) -> int:
        """These leaves at the end, as if the newest had never been, and the place of the last."""
        self.frontier = Frontier()
        for leaf in self.leaves:
            self.frontier = self.frontier.append(leaf_hash(leaf))
        for leaf in leaves:
            self.add_leaf(leaf)
        return len(self.leaves)

    def resign(self, change: Callable[[Any], object], key: SigningKey | None = None) -> int:
        """Have the person of the newest act sign something else; `change` is given what they stated."""

        def signing(fact: Any) -> None:
            own = key or self.people.get(fact["actor"]) or self.installation
            whole = json.loads(base64.b64decode(fact["signed"]["payload"]))
            change(whole["predicate"])
            body = canonical(whole)
            fact["signed"] = sealed(body, own.id, own.sign_bytes(pae(body))).model_dump()

        return self.rewrite(signing)

    # --- what is signed of them -------------------------------------------------------------------

    def checkpoint(self, **said: object) -> str:
        """The log's note about all that is there; `said` falsifies its lines."""
        prev = hashlib.sha256(self.notes[-1].encode()).hexdigest() if self.notes else None
        lines: dict[str, object] = {
            "origin": self.origin, "size": len(self.leaves), "root": self.frontier.root,
            "time": self.now, "prev": prev, **said,
        }  # fmt: skip
        assert isinstance(lines["root"], bytes)
        assert isinstance(lines["time"], datetime)
        text = (
            f"{lines['origin']}\n{lines['size']}\n{base64.b64encode(lines['root']).decode()}\n"
            f"time {lines['time']:%Y-%m-%dT%H:%M:%SZ}\n"
        )
        text += f"prev {lines['prev']}\n" if lines["prev"] else ""
        self.notes.append(f"{text}\n{signature_line(self.origin, self.log, text)}")
        return self.notes[-1]

    def anchor(self, *cosignatures: str) -> str:
        """An anchor file of the newest checkpoint."""
        return (
            f"forsvarlig-anchor-1\n{vkey(self.origin, self.log)}\n\n{self.notes[-1]}{''.join(cosignatures)}"
        )

    def fingerprint(self, size: int) -> str:
        said = base64.b32encode(self.roots[size][:20]).decode()
        return "-".join([str(size), *(said[at : at + 4] for at in range(0, 32, 4))])

    def lines(self) -> Iterator[bytes]:
        head = {
            "format": "forsvarlig-ledger-1", "employer": EMPLOYER, "origin": self.origin,
            "leaves": len(self.leaves), "checkpoints": len(self.notes),
        }  # fmt: skip
        yield canonical(head)
        yield from (canonical({"checkpoint": note}) for note in self.notes)
        for place, leaf in enumerate(self.leaves, 1):
            yield leaf
            if place in self.under:
                yield self.under[place]

    def bundle(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines())


@cache
def small_year() -> Ledger:
    """A year in small: texts, own keys, a revoked one, an erased text, and a new log key. Not to be written to."""
    ledger = Ledger()
    ledger.begin()
    ledger.system()
    ledger.checkpoint()
    ledger.enrol("per")
    ledger.file("kari")
    ledger.decide("per", "Støyen må måles – «igjen».")
    ledger.checkpoint()
    ledger.decide("vera", "Enig.")
    ledger.revoke("per")
    ledger.enrol_log(private("log 2"), private("log"))
    ledger.decide("per")
    ledger.erase("kari", next(id for id in ledger.texts if "vera" in id))
    ledger.checkpoint()
    return ledger


def beginning() -> Ledger:
    """Four facts under a checkpoint: the installation's key, the log's, per's own, and what kari filed."""
    ledger = Ledger()
    ledger.begin()
    ledger.enrol("per")
    ledger.file("kari")
    ledger.checkpoint()
    return ledger


class Told(NamedTuple):
    """What the verifier ended with and said; `faults` is what it said under that word."""

    code: int
    out: str

    @property
    def faults(self) -> str:
        return self.out.partition("FAULTS")[2]


def verified(bundle: bytes, *anchors: str) -> Told:
    """Run the verifier on a bundle and anchors: what anchor files hold, or fingerprints and names of files."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        file, *files = [Path(folder, name) for name in ("bundle", *map(str, range(len(anchors))))]
        file.write_bytes(bundle)
        for path, anchor in zip(files, anchors, strict=True):
            path.write_text(anchor, "utf-8")
        given = [str(p) if "\n" in a else a for p, a in zip(files, anchors, strict=True)]
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = verify.main([str(file), *given])
    return Told(code, said.getvalue())


def checked(ledger: Ledger, *anchors: str) -> Told:
    """Run the verifier on the whole ledger, under a checkpoint of all that is there."""
    if not ledger.notes or f"\n{len(ledger.leaves)}\n" not in ledger.notes[-1]:
        ledger.checkpoint()
    return verified(ledger.bundle(), *anchors)


def busy(facts: int, people: int = 40, *, signed: bool = True, every: int = 500) -> Ledger:
    """A ledger of so many facts: a quarter are acts, half of them with own keys; a checkpoint each `every` facts."""
    ledger = Ledger()
    ledger.begin()
    for n in range(people // 2):
        ledger.enrol(f"p{n}")
    while len(ledger.leaves) < facts:
        match len(ledger.leaves) % 8:
            case 0 if signed:
                ledger.file(f"p{len(ledger.leaves) % people}")
            case 4 if signed:
                ledger.decide(f"p{len(ledger.leaves) // 8 % people}", "Støyen er målt på nytt.")
            case 1 | 5:
                ledger.system()
            case _:
                ledger.ask()
        if len(ledger.leaves) % every == 0:
            ledger.checkpoint()
    if not ledger.notes or len(ledger.leaves) % every:
        ledger.checkpoint()
    return ledger
