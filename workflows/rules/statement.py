"""What a person states and signs: one act, bound to one gate, one version and a short time.

A statement is an in-toto Statement v1 in a DSSE envelope: the signature covers the exact bytes, so nothing has
to be put in order again before it can be checked, now or in ten years. It carries opaque ids, roles, hashes and
dates; a comment is there as a salted commitment only. Who may say what is `workflows.rules.gate`; whose key
counts is `workflows.rules.keys`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from workflows.rules.base import Frozen
from workflows.rules.organisation import Id, Role
from workflows.rules.phrase import Phrase
from workflows.rules.programme import Stage
from workflows.rules.terms import CycleId, FactId, Hash, Outcome, Records, StepKey, at

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:forsvarlig:statement:1"

LONGEST_LIFE = timedelta(days=7)
"""How long after it was issued a statement may at most be used."""

LARGEST = 16_384
"""Bytes of an envelope. A genuine one is under 2,000."""

LONGEST_TEXT = 12_000
"""Characters of what a person may write with one act. What is longer is a document."""

KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Nonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
Delegated = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]


class Votes(Frozen):
    """How a committee voted. It first seeks agreement; both positions go into the minutes (OLM § 3-16).

    `position` is the commitment to what the minority wants put on record; it must be there when there is one.
    """

    majority: tuple[Id, ...] = Field(min_length=1, max_length=60)
    minority: tuple[Id, ...] = Field(default=(), max_length=60)
    position: Hash | None = None


class Decide(Frozen):
    """An answer in a gate, about the document and version that the person saw."""

    act: Literal["decide"] = "decide"
    role: Role
    outcome: Outcome
    document: Hash
    version: int = Field(ge=0, le=10_000)
    comment: Hash | None = None
    on_behalf_of: Id | None = None
    back_to: Stage | None = None
    votes: Votes | None = None


class File(Frozen):
    """Evidence filed for a step."""

    act: Literal["file"] = "file"
    document: Hash
    on_behalf_of: Id | None = None


class Answer(Frozen):
    """The employer's reasoned answer to the disagreements about a version and those before it (E8)."""

    act: Literal["answer"] = "answer"
    version: int = Field(ge=1, le=10_000)
    comment: Hash | None = None
    on_behalf_of: Id | None = None


class MoveDueDate(Frozen):
    """A new due date, with the reason (E16)."""

    act: Literal["move_due_date"] = "move_due_date"
    due: date
    comment: Hash | None = None


class Delegate(Frozen):
    """`person` hands what is asked of them to `to`, from `since` up to, and not including, `until`."""

    act: Literal["delegate"] = "delegate"
    person: Id
    to: Id
    since: date
    until: date
    role: Role | None = None
    unit: Id | None = None
    step: str | None = Field(default=None, pattern=r"^[A-Z][0-9]{2,3}$")


class EndDelegation(Frozen):
    """A delegation ends before its time; `delegation` is the id of the fact that made it."""

    act: Literal["end_delegation"] = "end_delegation"
    delegation: Delegated
    until: date


class SetAbsence(Frozen):
    """`person` is away from `since` up to, and not including, `until`, and `substitute` acts meanwhile."""

    act: Literal["set_absence"] = "set_absence"
    person: Id
    since: date
    until: date
    substitute: Id | None = None


class EnrolKey(Frozen):
    """This key speaks for `person` from now on. A first key is vouched for; a further one needs an own key."""

    act: Literal["enrol_key"] = "enrol_key"
    person: Id
    public_key: Base64 = Field(min_length=44, max_length=44)


class RevokeKey(Frozen):
    """This key speaks for nobody from now on. What it signed before stays true."""

    act: Literal["revoke_key"] = "revoke_key"
    key: KeyId
    reason: Literal["lost", "stolen", "replaced", "left"]


class EraseText(Frozen):
    """What was written with these facts may be erased. It is when the other one who must agree says so too."""

    act: Literal["erase_text"] = "erase_text"
    facts: tuple[FactId, ...] = Field(min_length=1, max_length=30)
    basis: Literal["request", "mistake"]


class EraseDocument(Frozen):
    """The content of a filed document may be erased. It is when the other one who must agree says so too."""

    act: Literal["erase_document"] = "erase_document"
    document: Hash
    basis: Literal["request", "mistake"]


class ErasePerson(Frozen):
    """Name, address and number of somebody who is here no more are erased."""

    act: Literal["erase_person"] = "erase_person"
    person: Id
    basis: Literal["request", "mistake", "left"]


class SetRetention(Frozen):
    """Records of a kind are kept for so many days after they are of no use, and why."""

    act: Literal["set_retention"] = "set_retention"
    records: Records
    days: int = Field(ge=0, le=36_500)
    comment: Hash | None = None


Act = Annotated[
    Decide | File | Answer | MoveDueDate | Delegate | EndDelegation | SetAbsence | EnrolKey | RevokeKey
    | EraseText | EraseDocument | ErasePerson | SetRetention,
    Field(discriminator="act"),
]  # fmt: skip

STEP_ACTS = (Decide, File, Answer, MoveDueDate)
"""Acts in one step of one cycle; the others concern the employer as a whole."""


class Authentication(Frozen):
    """How it was known who spoke. `evidence` is the SHA-256 of what proves it (an ID token, an assertion).

    `key_file`: the person's own key. `desk`: whoever has this installation's account on the machine said so.
    `rehearsal`: nobody real. `portal` and `passkey` are a logged-in person's.
    """

    method: Literal["key_file", "desk", "rehearsal", "portal", "passkey"]
    level: str | None = Field(default=None, pattern=r"^[a-z0-9:;=._-]{1,60}$")
    authenticated: AwareDatetime | None = None
    evidence: Hash | None = None


class Statement(Frozen):
    """One signed act. `cycle` is the workflow id of the year; it and `step` are None for the employer's acts."""

    employer: Id
    cycle: CycleId | None = None
    step: StepKey | None = None
    actor: Id
    act: Act
    nonce: Nonce
    issued: AwareDatetime
    expires: AwareDatetime
    authentication: Authentication


class Signature(Frozen):
    keyid: KeyId
    sig: Base64 = Field(min_length=88, max_length=88)


class Envelope(Frozen):
    """A DSSE envelope as JSON writes it: standard base64 and one Ed25519 signature."""

    payload: Base64
    payloadType: Literal["application/vnd.in-toto+json"] = "application/vnd.in-toto+json"  # noqa: N815 (DSSE)
    signatures: tuple[Signature] = Field(min_length=1, max_length=1)

    @property
    def body(self) -> bytes:
        """The signed bytes."""
        return base64.b64decode(self.payload)

    @property
    def key(self) -> str:
        """The id of the key that it says it is signed with."""
        return self.signatures[0].keyid

    def to_json(self) -> str:
        """One line of JSON, the same each time."""
        return _json(self.model_dump(mode="json"))


class Unreadable(ValueError):
    """These bytes are no signed statement; `unsigned` when they are a statement without a signature."""

    def __init__(self, fault: str, *, unsigned: bool = False) -> None:
        super().__init__(fault)
        self.unsigned = unsigned


class TextTooLong(ValueError):
    """What somebody wrote with an act has `length` characters; it repeats nothing of it."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.fault = Phrase(
            "The text is {length} characters long, and {most} is the most that can be written with an act.",
            length=length, most=LONGEST_TEXT,
        )  # fmt: skip
        self.remedy = Phrase("Shorten it, and file the whole of it as a document: forsvarlig step submit")
        super().__init__(f"{self.fault} {self.remedy}")


def short_enough(text: str) -> bool:
    """Whether the text may be written with an act. What was recorded before there was a limit stands."""
    return len(text) <= LONGEST_TEXT


def payload(statement: Statement) -> bytes:
    """The statement as it is signed: in-toto Statement v1, RFC 8785 JSON (there are no floats in it)."""
    predicate = statement.model_dump(exclude_none=True)
    return _json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [_subject(statement)],
            "predicateType": PREDICATE_TYPE,
            "predicate": _plain(predicate),
        }
    ).encode()


def pae(body: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """DSSE's pre-authentication encoding: what the signature covers."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(body), body)


def sealed(body: bytes, key: str, signature: bytes) -> Envelope:
    """The envelope of `body` with its signature by the key `key`."""
    signed = Signature(keyid=key, sig=base64.b64encode(signature).decode())
    return Envelope(payload=base64.b64encode(body).decode(), signatures=(signed,))


def read_envelope(raw: bytes) -> Envelope:
    """The envelope in `raw`; `Unreadable` says what is wrong with it and repeats nothing of it."""
    if len(raw) > LARGEST:
        raise Unreadable(f"{len(raw)} bytes is more than the {LARGEST} that a signed statement has at most")
    loaded = _loaded(raw)
    if isinstance(loaded, dict) and not loaded.get("signatures"):
        raise Unreadable("it has no signature", unsigned=True)
    try:
        envelope = Envelope.model_validate_json(raw)
    except ValidationError as error:
        raise Unreadable(f"it is no DSSE envelope: {_where(error)}") from None
    for text in (envelope.payload, envelope.signatures[0].sig):
        if _canonical(text) != text:
            raise Unreadable("its base64 could be written otherwise")
    return envelope


def read_statement(envelope: Envelope) -> Statement:
    """The statement in the envelope, whether or not the signature is good; `Unreadable` when there is none."""
    loaded = _loaded(envelope.body)
    if not isinstance(loaded, dict) or (loaded.get("_type"), loaded.get("predicateType")) != (
        STATEMENT_TYPE,
        PREDICATE_TYPE,
    ):
        raise Unreadable("its payload is no statement of ours")
    try:
        statement = Statement.model_validate(loaded.get("predicate"))
    except ValidationError as error:
        raise Unreadable(f"its statement cannot be read: {_where(error)}") from None
    if payload(statement) != envelope.body:
        raise Unreadable("its statement could be written otherwise, or is about another subject")
    if isinstance(statement.act, STEP_ACTS) != (statement.step is not None and statement.cycle is not None):
        raise Unreadable("a step's act names its step and cycle, and the others name none")
    return statement


def _subject(statement: Statement) -> dict[str, Any]:
    match statement.act:
        case Decide(document=document, version=version):
            name = f"{statement.cycle}/{statement.step}@{version}"
        case File(document=document):
            name = f"{statement.cycle}/{statement.step}"
        case _:
            name = f"{statement.cycle}/{statement.step}" if statement.cycle else statement.employer
            document = hashlib.sha256(name.encode()).hexdigest()
    return {"digest": {"sha256": document}, "name": name}


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return at(value) if hasattr(value, "utcoffset") else value.isoformat()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _loaded(raw: bytes) -> Any:
    try:
        return json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Unreadable("it is no JSON, or names something twice") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _canonical(text: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        return ""


def _where(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(str(p) for p in fault['loc'])[:80] or 'it'} ({fault['type']})"
