"""The doors for people: every signed act ends here, in one transaction, as exactly one recorded outcome.

A statement is checked, judged by the pure rules and recorded together with what it sets going outside. What is
refused is recorded too, with the reason. It is all one way, whether the act came from this machine's command
line, from the portal, or through Temporal as a raw signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from activities.erasure import carry_out, of_the_record, whom_it_concerns
from activities.ledger.log import Payload, commit, commitment
from activities.organisations import ring_running
from activities.proof import Keys, uncounted
from activities.receipts import Came, Receipt, act_id, employer_of, receipt_of, record, sha256
from activities.signatures import SigningKey, is_signed_by
from activities.situations import Situations, Standings
from activities.store.database import Database
from activities.store.errors import NotThere
from activities.store.rows import CycleRow
from activities.store.transaction import Transaction
from workflows.rules.acts import RECORD_ACTS, OfTheRecord, judge, judge_for_employer, judge_of_the_record
from workflows.rules.addressees import key_watchers, told
from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.calendar import oslo_day
from workflows.rules.delegation import with_act
from workflows.rules.events import UNKNOWN, AttemptRefused, Body, DueDateChanged, Fact
from workflows.rules.keys import KeyRing, why_not
from workflows.rules.organisation import Organisation, Role
from workflows.rules.refusals import refused
from workflows.rules.standing import StepStanding, fold
from workflows.rules.statement import (
    Act,
    Authentication,
    Decide,
    Envelope,
    File,
    Statement,
    Unreadable,
    read_envelope,
    read_statement,
    short_enough,
)
from workflows.rules.terms import CycleRef, Outcome, Refusal

LIFE = timedelta(minutes=10)
"""How long a statement that is handed over at once may be under way."""

Method = Literal["desk", "portal", "rehearsal"]


class Doors:
    """Every way in for a person's act ends here: command line, portal, and a signed Temporal signal.

    `signer` is this installation's key; with it the installation speaks for the people it knows by `method`.
    It is enrolled by a fact the first time it is used for an employer.
    """

    def __init__(
        self,
        database: Database,
        situations: Situations | None = None,
        *,
        signer: SigningKey,
        method: Method = "desk",
    ) -> None:
        self._database = database
        self._situations = situations or Situations()
        self._standings = Standings()
        self._keys = Keys()
        self._signer = signer
        self._method = method

    # --- for people known here ----------------------------------------------------------------------

    async def submit(
        self, cycle: str, step: str, actor: str, document: str, *, now: datetime, nonce: str
    ) -> Receipt:
        """File the stored document with hash `document` as the step's evidence; `NotThere` if it is not stored."""
        async with self._database.read() as reader:
            if await reader.document(document) is None:
                raise NotThere.document(document)
        employer = CycleRef.parse(cycle).employer
        said = File(document=document)
        return await self.act(employer, actor, said, cycle=cycle, step=step, now=now, nonce=nonce)

    async def decide(
        self,
        cycle: str,
        step: str,
        actor: str,
        role: Role,
        outcome: Outcome,
        *,
        document: str,
        version: int,
        comment: str | None = None,
        now: datetime,
        nonce: str,
    ) -> Receipt:
        """Record one person's answer about the document and version that the person saw."""
        payload, commitment = commit(comment) if comment else (None, None)
        said = Decide(role=role, outcome=outcome, document=document, version=version, comment=commitment)
        employer, texts = CycleRef.parse(cycle).employer, [payload] if payload else []
        return await self.act(
            employer, actor, said, cycle=cycle, step=step, now=now, nonce=nonce, texts=texts
        )

    async def act(
        self,
        employer: str,
        actor: str,
        act: Act,
        *,
        now: datetime,
        nonce: str,
        cycle: str | None = None,
        step: str | None = None,
        texts: Sequence[Payload] = (),
        own: SigningKey | None = None,
    ) -> Receipt:
        """Sign for `actor`, and record it. A retry has the same `nonce` and does nothing.

        It is signed with the person's `own` key, or else with the installation's. `texts` are the texts that the
        act commits to. `NotThere` when there is no such employer or cycle.
        """
        statement = self._statement(employer, actor, act, now, nonce, cycle, step, LIFE, own)
        raw = (own or self._signer).sign(statement).to_json().encode()
        async with self._database.write(employer) as tx:
            if (found := await tx.fact(employer, act_id(statement))) is not None:
                return receipt_of(tx, *found, repeated=True)
            return await self._receive(tx, raw, cycle or employer, now, self._method, texts, is_new=True)

    async def sign(
        self,
        employer: str,
        actor: str,
        act: Act,
        *,
        now: datetime,
        nonce: str,
        life: timedelta,
        cycle: str | None = None,
        step: str | None = None,
        texts: Sequence[Payload] = (),
        own: SigningKey | None = None,
    ) -> Envelope:
        """Sign for `actor` what is to come in through another door within `life`; nothing is judged.

        The `texts` that it commits to wait here for it.
        """
        statement = self._statement(employer, actor, act, now, nonce, cycle, step, life, own)
        async with self._database.write(employer) as tx:
            # Another door may be another machine's, which knows this installation's key from the ledger only.
            await self._ring(tx, Came(place=employer, cycle=None, digest="", via=self._method, now=now))
            for text in texts:
                await tx.deposit(commitment(text.salt, text.text), text, now)
        return (own or self._signer).sign(statement)

    def _statement(
        self, employer: str, actor: str, act: Act, now: datetime, nonce: str, cycle: str | None,
        step: str | None, life: timedelta, own: SigningKey | None,
    ) -> Statement:  # fmt: skip
        authentication = Authentication(method="key_file" if own is not None else self._method)
        return Statement(
            employer=employer, cycle=cycle, step=step, actor=actor, act=act, nonce=nonce, issued=now,
            expires=now + life, authentication=authentication,
        )  # fmt: skip

    # --- for what was signed elsewhere --------------------------------------------------------------

    async def receive(
        self,
        raw: bytes,
        *,
        place: str,
        now: datetime,
        via: str,
        texts: Sequence[Payload] = (),
    ) -> Receipt:
        """Record a signed statement that came for `place`, a cycle or an employer; what is refused, with why.

        Through a signal the same statement counts once and is refused as replayed after that; through any
        other door it is a retry, and the first receipt is given again. `NotThere` for an unknown `place`.
        """
        async with self._database.write(employer_of(place)) as tx:
            return await self._receive(tx, raw, place, now, via, texts)

    async def refuse_junk(
        self, cycle: str, reason: Refusal, inputs: Sequence[str], *, now: datetime, via: str
    ) -> Receipt:
        """Record as one fact what nobody can read; `inputs` are the SHA-256 of each, in order."""
        digest = inputs[0] if len(inputs) == 1 else sha256("".join(inputs).encode())
        async with self._database.write(employer_of(cycle)) as tx:
            if await tx.cycle(cycle) is None:
                raise NotThere.cycle(cycle)
            body = AttemptRefused(attempt="signal", reason=reason, input=digest, count=len(inputs))
            return await record(tx, f"{cycle}#refused {reason} {via}", cycle, None, UNKNOWN, body, now, via)

    async def deposit(self, employer: str, text: str, now: datetime) -> str:
        """Keep a text until the statement that commits to it arrives, a month at most; its commitment."""
        payload, commitment = commit(text)
        async with self._database.write(employer) as tx:
            await tx.deposit(commitment, payload, now)
        return commitment

    # --- one way for all ----------------------------------------------------------------------------

    async def _receive(
        self,
        tx: Transaction,
        raw: bytes,
        place: str,
        now: datetime,
        via: str,
        texts: Sequence[Payload],
        is_new: bool = False,
    ) -> Receipt:
        """`is_new` when it was looked already whether the ledger holds this act."""
        cycle = place if "/" in place else None
        row = await tx.cycle(cycle) if cycle is not None else None
        if cycle is not None and row is None:
            raise NotThere.cycle(cycle)
        came = Came(place=place, cycle=cycle, digest=sha256(raw), via=via, now=now)
        try:
            envelope = read_envelope(raw)
            statement = read_statement(envelope)
        except Unreadable as error:
            reason = Refusal.UNSIGNED if error.unsigned else Refusal.UNREADABLE
            body = AttemptRefused(attempt="statement", reason=reason, input=came.digest)
            return await came.refused(tx, body, UNKNOWN, None)
        ring = await self._ring(tx, came)
        if fault := _not_genuine(ring, envelope, statement, now):
            return await self._not_theirs(tx, came, statement, envelope, fault)
        if (statement.employer, statement.cycle) != (employer_of(place), cycle):
            return await came.refused(
                tx, refused(statement.act, Refusal.WRONG_PLACE, input=came.digest), statement.actor, envelope
            )
        if not is_new and (again := await self._again(tx, came, statement, envelope)) is not None:
            return again
        return await self._judged(tx, came, row, ring, statement, envelope, texts)

    async def _ring(self, tx: Transaction, came: Came) -> KeyRing:
        """The employer's keys, the installation's own among them."""
        employer = employer_of(came.place)
        ring = await self._keys.of(tx, employer)
        if self._signer.id in ring.keys:
            return ring
        body = KeyEnrolled(key=self._signer.id, public_key=self._signer.public_key)
        fact = Fact(
            id=f"{employer}#key {self._signer.id}", employer=employer, concerns=came.now, recorded=came.now,
            body=body,
        )  # fmt: skip
        return ring.after(await tx.append([fact]))

    async def _not_theirs(
        self, tx: Transaction, came: Came, statement: Statement, envelope: Envelope, reason: Refusal
    ) -> Receipt:
        """Refused before anybody looked at what it says: whoever made it may not be who it names."""
        proven = reason in (Refusal.EXPIRED, Refusal.FUTURE_DATED)
        known = await tx.person(employer_of(came.place), statement.actor) is not None
        body = refused(
            statement.act,
            reason,
            input=came.digest,
            claimed=statement.actor if known and not proven else None,
        )
        return await came.refused(tx, body, statement.actor if proven and known else UNKNOWN, envelope)

    async def _again(
        self, tx: Transaction, came: Came, statement: Statement, envelope: Envelope
    ) -> Receipt | None:
        found = await tx.fact(statement.employer, act_id(statement))
        if found is None:
            return None
        seq, fact = found
        signal = came.via.startswith("signal")
        if fact.signed == envelope and (not signal or fact.via == came.via):
            return receipt_of(tx, seq, fact, repeated=True)
        body = refused(statement.act, Refusal.REPLAYED, input=came.digest)
        return await came.refused(tx, body, statement.actor, envelope)

    async def _judged(
        self,
        tx: Transaction,
        came: Came,
        row: CycleRow | None,
        ring: KeyRing,
        statement: Statement,
        envelope: Envelope,
        texts: Sequence[Payload],
    ) -> Receipt:
        act, actor, id = statement.act, statement.actor, act_id(statement)
        text, reason = await _committed(tx, act, texts)
        organisation: Organisation | None = None
        here: StepStanding | None = None
        about: OfTheRecord | None = None
        if reason is not None:
            body: Body = refused(act, reason)
        elif row is not None and statement.step is not None:
            situation = await self._situations.of(tx, row)
            standing = await self._standings.of(tx, situation.cycle)
            here = standing.step(statement.step)
            if here is not None and (said := {d.fact for d in here.now_decided()}):
                # Who can write in the ledger could otherwise answer first for the one who answers now.
                written = await uncounted(tx, ring, situation, statement.step, said, came.now)
                if written:
                    await tx.append(written)
                    await tx.ring(row.id, written[0].id, came.now)
                    standing = fold(written, standing)
            body = judge(situation, standing, statement.step, actor, act, came.now)
        else:
            _hash, organisation = await tx.organisation(statement.employer)
            if isinstance(act, RECORD_ACTS):
                about = await of_the_record(tx, ring, statement.employer, act, came.now)
                body = judge_of_the_record(organisation, about, actor, act, came.now)
            else:
                name = f"d-{sha256(id.encode())[:12]}"
                body = judge_for_employer(organisation, ring, actor, act, name, came.now)
        if isinstance(body, AttemptRefused):
            body = body.model_copy(update={"input": came.digest})
        receipt = await record(
            tx, id, statement.cycle, statement.step, actor, body, came.now, came.via, envelope, text
        )
        if receipt.accepted:
            if text is not None:
                await tx.withdraw_deposit(commitment(text.salt, text.text))
            if statement.cycle is not None:
                await tx.ring(statement.cycle, receipt.fact.id, came.now)
            await carry_out(tx, statement.employer, body, came.now)
            if organisation is not None and isinstance(body, Delegated | DelegationEnded | AbsenceSet):
                new = await tx.put_organisation(with_act(organisation, body), came.now)
                await ring_running(tx, statement.employer, new, came.now)
            concerned = _concerned(body, ring, organisation, here, oslo_day(came.now))
            if about is not None and organisation is not None:
                concerned = whom_it_concerns(organisation, about, body, actor, came.now)
            await tx.tell(told(receipt.fact, concerned=concerned), receipt.fact, receipt.seq, came.now)
        return receipt


def _not_genuine(ring: KeyRing, envelope: Envelope, statement: Statement, now: datetime) -> Refusal | None:
    key = ring.keys.get(envelope.key)
    if key is not None and not is_signed_by(envelope, key.public_key):
        return Refusal.BAD_SIGNATURE
    last = max((place for k in ring.keys.values() for place in (k.enrolled, k.revoked or 0)), default=0)
    return why_not(ring, statement, envelope.key, last + 1, now)


async def _committed(
    tx: Transaction, act: Act, texts: Sequence[Payload]
) -> tuple[Payload | None, Refusal | None]:
    """The text that the act commits to, from beside it or from those deposited."""
    wanted: str | None = getattr(act, "comment", None)
    document = act.document if isinstance(act, File) else None
    if isinstance(act, Decide) and act.votes is not None:
        document = act.votes.position
    if document is not None and await tx.document(document) is None:
        return None, Refusal.NO_EVIDENCE
    if wanted is None:
        return None, None
    found = next((t for t in texts if commitment(t.salt, t.text) == wanted), None) or await tx.deposited(
        wanted
    )
    if found is None:
        return None, Refusal.COMMENT_REQUIRED
    return (found, None) if short_enough(found.text) else (None, Refusal.TEXT_TOO_LONG)


def _concerned(
    body: Body, ring: KeyRing, organisation: Organisation | None, here: StepStanding | None, day: date
) -> Sequence[str]:
    """Whom the fact concerns without naming them."""
    match body:
        case KeyEnrolled(person=str(holder)) if organisation is not None:
            return key_watchers(organisation, holder, day)
        case KeyRevoked(key=id) if id in ring.keys and (person := ring.keys[id].person) is not None:
            return (person, *(key_watchers(organisation, person, day) if organisation is not None else ()))
        case DelegationEnded(delegation=id) if organisation is not None:
            return [p for d in organisation.delegations if d.id == id for p in (d.person, d.to)]
        case DueDateChanged() if here is not None:
            return [h.person for q in here.questions if q.version == here.version for h in q.people]
    return ()
