"""The tables. Every change here goes with a migration; a test compares the two on both databases."""

from __future__ import annotations

from datetime import UTC as _UTC
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTC(TypeDecorator[datetime]):
    """A moment. Takes aware datetimes only and gives them back in UTC; SQLite itself would lose the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone. Give a moment with one, such as UTC.")
        moment = value.astimezone(_UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=_UTC) if dialect.name == "sqlite" else moment.astimezone(_UTC)


def _employer() -> Column[str]:
    return Column("employer", Text, ForeignKey("employer.id"), nullable=False)


def _only(condition: str) -> dict[str, Any]:
    """Of an index: only the rows for which this holds."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


employer = Table(
    "employer",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("org_number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", Text, CheckConstraint("mode IN ('real', 'rehearsal')", name="mode"), nullable=False),
    Column("created", UTC, nullable=False),
)

organisation_version = Table(
    "organisation_version",
    METADATA,
    _employer(),
    Column("seq", Integer, nullable=False, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("recorded", UTC, nullable=False),
    PrimaryKeyConstraint("employer", "seq"),
    Index(None, "employer", "hash"),
    comment="The structure by opaque ids. Newest is the highest seq.",
)

person = Table(
    "person",
    METADATA,
    _employer(),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column(
        "language", Text, CheckConstraint("language IN ('nb', 'nn', 'en')", name="language"), nullable=False
    ),
    Column("external_key", Text),
    PrimaryKeyConstraint("employer", "id"),
    UniqueConstraint("employer", "external_key"),
    comment="The directory: erasable, and the only place with names and addresses.",
)

rulebook = Table(
    "rulebook",
    METADATA,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('programme', 'law')", name="kind"), nullable=False),
    Column("body", Text, nullable=False),
    comment="The programmes and legal registers that cycles pin by content hash, as JSON.",
)

document = Table(
    "document",
    METADATA,
    Column("hash", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored_at", UTC, nullable=False),
    Column("name", Text),
)

cycle = Table(
    "cycle",
    METADATA,
    Column("id", Text, primary_key=True),
    _employer(),
    Column("unit", Text),
    Column("year", Integer, nullable=False),
    Column("programme", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('running', 'closed')", name="state"), nullable=False),
    Column("started", UTC, nullable=False),
    Column("closed", UTC),
    Column("next_moment", UTC),
    Index(None, "employer", "year"),
)

ledger_leaf = Table(
    "ledger_leaf",
    METADATA,
    _employer(),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    Column("fact_id", Text, nullable=False),
    Column("cycle", Text),
    Column("step", Text),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("employer", "seq"),
    UniqueConstraint("employer", "fact_id"),
    Index(None, "cycle", "seq"),
    Index(None, "employer", "kind", "seq"),
    comment="Append-only, by triggers. body is the exact bytes that are hashed; seq counts from 1.",
)

ledger_head = Table(
    "ledger_head",
    METADATA,
    Column("employer", Text, ForeignKey("employer.id"), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("recorded", UTC),
    comment="Its row is the lock of an employer's writers. recorded is that of the last leaf.",
)

ledger_node = Table(
    "ledger_node",
    METADATA,
    _employer(),
    Column("level", Integer, nullable=False, autoincrement=False),
    Column("place", BigInteger, nullable=False, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("employer", "level", "place"),
    comment="Append-only. Roots of the complete subtrees of 2^level leaves, level from 1, place from 0.",
)

ledger_checkpoint = Table(
    "ledger_checkpoint",
    METADATA,
    _employer(),
    Column("size", BigInteger, nullable=False, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("made", UTC, nullable=False),
    PrimaryKeyConstraint("employer", "size"),
    comment="Append-only. Signed notes about the first so many leaves, each naming the one before.",
)

ledger_anchor = Table(
    "ledger_anchor",
    METADATA,
    _employer(),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('pin', 'mail', 'timestamp', 'witness')", name="kind"),
        nullable=False,
    ),
    Column("size", BigInteger, nullable=False, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("made", UTC, nullable=False),
    Column("content", LargeBinary),
    PrimaryKeyConstraint("employer", "kind", "size", "holder"),
    Index(None, "employer", "made"),
    comment="What was given to whom outside, so that its age is known; the anchor itself is outside.",
)

payload = Table(
    "payload",
    METADATA,
    _employer(),
    Column("fact_id", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("employer", "fact_id"),
    comment="Erasable text that a leaf holds a commitment to.",
)

deposited_text = Table(
    "deposited_text",
    METADATA,
    _employer(),
    Column("commitment", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("text", Text, nullable=False),
    Column("deposited", UTC, nullable=False),
    PrimaryKeyConstraint("employer", "commitment"),
    comment="Text that waits for the statement which commits to it; a statement carries no text.",
)

outbox = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _employer(),
    Column("key", Text, nullable=False, unique=True),
    Column(
        "channel",
        Text,
        CheckConstraint("channel IN ('mail', 'bell', 'start')", name="channel"),
        nullable=False,
    ),
    Column("target", Text, nullable=False),
    Column("fact_seq", BigInteger),
    Column("created", UTC, nullable=False),
    Column("not_before", UTC, nullable=False),
    Column("delivered", UTC),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Index("ix_outbox_waiting", "id", **_only("delivered IS NULL")),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    METADATA,
    Column("employer", Text, nullable=False),
    Column("unit", Text),
    Column("year", Integer, nullable=False),
    Column("cycle", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("acting_for", Text),
    Column("version", Integer, nullable=False),
    Column("asked_at", UTC, nullable=False),
    Column("due", Date),
    PrimaryKeyConstraint("cycle", "step", "what", "role", "person"),
    Index(None, "employer", "person"),
    comment="Projection: whom the open steps wait for.",
)

step_status = Table(
    "step_status",
    METADATA,
    Column("employer", Text, nullable=False),
    Column("unit", Text),
    Column("year", Integer, nullable=False),
    Column("cycle", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('open', 'closed', 'left_open', 'withdrawn')", name="status"),
        nullable=False,
    ),
    Column("opened_at", UTC),
    Column("due", Date),
    Column("original_due", Date),
    Column("closed_at", UTC),
    Column("late", Boolean, nullable=False),
    Column("document", Text),
    Column("version", Integer, nullable=False),
    Column("waiting_for", Text, nullable=False),
    PrimaryKeyConstraint("cycle", "step"),
    Index(None, "employer", "year"),
    comment="Projection: every step that was opened or withdrawn, and how it stands.",
)

timeline = Table(
    "timeline",
    METADATA,
    Column("employer", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    Column("cycle", Text),
    Column("unit", Text),
    Column("step", Text),
    Column("base_step", Text),
    Column("kind", Text, nullable=False),
    Column("concerns", UTC, nullable=False),
    Column("month", Integer, nullable=False),
    Column("recorded", UTC, nullable=False),
    Column("actor", Text, nullable=False),
    Column("people", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("employer", "seq"),
    Index(None, "employer", "kind", "seq"),
    # With these at the end, a day of a month, or a step or kind in a unit or step, is found without looking at its
    # other rows.
    Index(None, "employer", "month", "seq", "concerns"),
    Index(
        "ix_timeline_of_a_unit", "employer", "unit", "seq", "base_step", "kind", **_only("unit IS NOT NULL")
    ),
    Index("ix_timeline_of_the_employer", "employer", "seq", **_only("unit IS NULL")),
    Index(
        "ix_timeline_of_a_step",
        "employer",
        "base_step",
        "seq",
        "kind",
        "step",
        **_only("base_step IS NOT NULL"),
    ),
    comment="Projection: one row a fact. people = everyone it names, with a space before and after each; "
    "base_step = Y28 for Y28.1; month = that which it concerns in UTC, counted from year 0.",
)

timeline_person = Table(
    "timeline_person",
    METADATA,
    Column("employer", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("employer", "person", "seq"),
    sqlite_with_rowid=False,
    comment="Projection: the facts that name a person, to be found by the person.",
)

exported_history = Table(
    "exported_history",
    METADATA,
    Column("employer", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    Column("workflow", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("events", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("version", Text, nullable=False),
    Column("recorded", UTC, nullable=False),
    PrimaryKeyConstraint("employer", "seq"),
    Index(None, "workflow", "seq"),
    comment="Projection: the histories of runs that were exported, by the fact that says so.",
)
