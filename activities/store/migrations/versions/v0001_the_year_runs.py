"""The first schema: employers, directory, cycles, the append-only ledger, the outbox, projections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER ledger_leaf_no_update BEFORE UPDATE ON ledger_leaf
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE refused'); END
    """,
    """
    CREATE TRIGGER ledger_leaf_no_delete BEFORE DELETE ON ledger_leaf
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE refused'); END
    """,
    # The second condition stops INSERT OR REPLACE also where recursive_triggers is off, as it is by default.
    """
    CREATE TRIGGER ledger_leaf_dense BEFORE INSERT ON ledger_leaf
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_leaf WHERE employer = NEW.employer)
      OR EXISTS (SELECT 1 FROM ledger_leaf WHERE employer = NEW.employer AND fact_id = NEW.fact_id)
    BEGIN SELECT RAISE(ABORT, 'the ledger is dense: this leaf is not the next'); END
    """,
)

POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION ledger_leaf_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP; END $$
    """,
    """
    CREATE TRIGGER ledger_leaf_no_change BEFORE UPDATE OR DELETE ON ledger_leaf
    FOR EACH ROW EXECUTE FUNCTION ledger_leaf_refuse()
    """,
    """
    CREATE TRIGGER ledger_leaf_no_truncate BEFORE TRUNCATE ON ledger_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_leaf_refuse()
    """,
    """
    CREATE FUNCTION ledger_leaf_next() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_leaf WHERE employer = NEW.employer) THEN
        RAISE EXCEPTION 'the ledger is dense: this leaf is not the next';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER ledger_leaf_dense BEFORE INSERT ON ledger_leaf
    FOR EACH ROW EXECUTE FUNCTION ledger_leaf_next()
    """,
)


def upgrade() -> None:
    op.create_table(
        "employer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("org_number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.CheckConstraint("mode IN ('real', 'rehearsal')", name=op.f("ck_employer_mode")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer")),
    )
    op.create_table(
        "organisation_version",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded", MOMENT, nullable=False),
        _of_employer("organisation_version"),
        sa.PrimaryKeyConstraint("employer", "seq", name=op.f("pk_organisation_version")),
        comment="The structure by opaque ids. Newest is the highest seq.",
    )
    op.create_index(
        op.f("ix_organisation_version_employer_hash"), "organisation_version", ["employer", "hash"]
    )
    op.create_table(
        "person",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("external_key", sa.Text(), nullable=True),
        sa.CheckConstraint("language IN ('nb', 'nn', 'en')", name=op.f("ck_person_language")),
        _of_employer("person"),
        sa.PrimaryKeyConstraint("employer", "id", name=op.f("pk_person")),
        sa.UniqueConstraint("employer", "external_key", name=op.f("uq_person_employer_external_key")),
        comment="The directory: erasable, and the only place with names and addresses.",
    )
    op.create_table(
        "rulebook",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('programme', 'law')", name=op.f("ck_rulebook_kind")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_rulebook")),
        comment="The programmes and legal registers that cycles pin by content hash, as JSON.",
    )
    op.create_table(
        "document",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_document")),
    )
    op.create_table(
        "cycle",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started", MOMENT, nullable=False),
        sa.Column("closed", MOMENT, nullable=True),
        sa.Column("next_moment", MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('running', 'closed')", name=op.f("ck_cycle_state")),
        _of_employer("cycle"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
    )
    op.create_index(op.f("ix_cycle_employer_year"), "cycle", ["employer", "year"])
    _create_ledger()
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("fact_seq", sa.BigInteger(), nullable=True),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("delivered", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'bell', 'start')", name=op.f("ck_outbox_channel")),
        _of_employer("outbox"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("delivered IS NULL")
    op.create_index("ix_outbox_waiting", "outbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    _create_projections()


def downgrade() -> None:
    raise NotImplementedError("The first schema has none before it. Restore a backup instead.")


def _of_employer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["employer"], ["employer.id"], name=op.f(f"fk_{table}_employer_employer"))


def _create_ledger() -> None:
    op.create_table(
        "ledger_leaf",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fact_id", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        _of_employer("ledger_leaf"),
        sa.PrimaryKeyConstraint("employer", "seq", name=op.f("pk_ledger_leaf")),
        sa.UniqueConstraint("employer", "fact_id", name=op.f("uq_ledger_leaf_employer_fact_id")),
        comment="Append-only, by triggers. body is the exact bytes that are hashed; seq counts from 1.",
    )
    op.create_index(op.f("ix_ledger_leaf_cycle_seq"), "ledger_leaf", ["cycle", "seq"])
    triggers = SQLITE_TRIGGERS if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_TRIGGERS
    for trigger in triggers:
        op.execute(trigger)
    op.create_table(
        "ledger_head",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        _of_employer("ledger_head"),
        sa.PrimaryKeyConstraint("employer", name=op.f("pk_ledger_head")),
        comment="Its row is the lock of an employer's writers.",
    )
    op.create_table(
        "payload",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("fact_id", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _of_employer("payload"),
        sa.PrimaryKeyConstraint("employer", "fact_id", name=op.f("pk_payload")),
        comment="Erasable text that a leaf holds a commitment to.",
    )


def _create_projections() -> None:
    op.create_table(
        "inbox",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("acting_for", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("cycle", "step", "what", "role", "person", name=op.f("pk_inbox")),
        comment="Projection: whom the open steps wait for.",
    )
    op.create_index(op.f("ix_inbox_employer_person"), "inbox", ["employer", "person"])
    op.create_table(
        "step_status",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("original_due", sa.Date(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'closed', 'left_open', 'withdrawn')", name=op.f("ck_step_status_status")
        ),
        sa.PrimaryKeyConstraint("cycle", "step", name=op.f("pk_step_status")),
        comment="Projection: every step that was opened or withdrawn, and how it stands.",
    )
    op.create_index(op.f("ix_step_status_employer_year"), "step_status", ["employer", "year"])
    op.create_table(
        "timeline",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cycle", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("concerns", MOMENT, nullable=False),
        sa.Column("recorded", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("employer", "seq", name=op.f("pk_timeline")),
        comment="Projection: one row a fact. people = everyone it names, with a space before and after each.",
    )
    op.create_index(op.f("ix_timeline_cycle_seq"), "timeline", ["cycle", "seq"])
