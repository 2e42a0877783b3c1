"""The tree's inner nodes, checkpoints, anchors, exported histories, and triggers that keep what is recorded."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

HEAD = "Its row is the lock of an employer's writers."
HEAD_NOW = "Its row is the lock of an employer's writers. recorded is that of the last leaf."

# The INSERT triggers stop INSERT OR REPLACE also where recursive_triggers is off, as it is by default.
SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER ledger_node_no_update BEFORE UPDATE ON ledger_node
    BEGIN SELECT RAISE(ABORT, 'ledger_node is append-only: UPDATE refused'); END
    """,
    """
    CREATE TRIGGER ledger_node_no_delete BEFORE DELETE ON ledger_node
    BEGIN SELECT RAISE(ABORT, 'ledger_node is append-only: DELETE refused'); END
    """,
    """
    CREATE TRIGGER ledger_node_once BEFORE INSERT ON ledger_node
    WHEN EXISTS (
      SELECT 1 FROM ledger_node
      WHERE employer = NEW.employer AND level = NEW.level AND place = NEW.place
    )
    BEGIN SELECT RAISE(ABORT, 'ledger_node is append-only: this node is there'); END
    """,
    """
    CREATE TRIGGER ledger_checkpoint_no_update BEFORE UPDATE ON ledger_checkpoint
    BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: UPDATE refused'); END
    """,
    """
    CREATE TRIGGER ledger_checkpoint_no_delete BEFORE DELETE ON ledger_checkpoint
    BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: DELETE refused'); END
    """,
    """
    CREATE TRIGGER ledger_checkpoint_onward BEFORE INSERT ON ledger_checkpoint
    WHEN EXISTS (SELECT 1 FROM ledger_checkpoint WHERE employer = NEW.employer AND size >= NEW.size)
    BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint goes onward: there is one over as many leaves'); END
    """,
    """
    CREATE TRIGGER ledger_head_no_delete BEFORE DELETE ON ledger_head
    BEGIN SELECT RAISE(ABORT, 'ledger_head stays: DELETE refused'); END
    """,
    """
    CREATE TRIGGER ledger_head_onward BEFORE UPDATE ON ledger_head
    WHEN NEW.size < OLD.size OR NEW.employer <> OLD.employer
    BEGIN SELECT RAISE(ABORT, 'ledger_head goes onward: a ledger does not shrink'); END
    """,
    """
    CREATE TRIGGER ledger_head_once BEFORE INSERT ON ledger_head
    WHEN EXISTS (SELECT 1 FROM ledger_head WHERE employer = NEW.employer)
    BEGIN SELECT RAISE(ABORT, 'ledger_head stays: it is there'); END
    """,
    """
    CREATE TRIGGER payload_no_update BEFORE UPDATE ON payload
    BEGIN SELECT RAISE(ABORT, 'payload is kept or erased: UPDATE refused'); END
    """,
    """
    CREATE TRIGGER payload_once BEFORE INSERT ON payload
    WHEN EXISTS (SELECT 1 FROM payload WHERE employer = NEW.employer AND fact_id = NEW.fact_id)
    BEGIN SELECT RAISE(ABORT, 'payload is kept or erased: this text is there'); END
    """,
)

POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '% is kept as it is: % refused', TG_TABLE_NAME, TG_OP; END $$
    """,
    """
    CREATE TRIGGER ledger_node_no_change BEFORE UPDATE OR DELETE ON ledger_node
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER ledger_node_no_truncate BEFORE TRUNCATE ON ledger_node
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER ledger_checkpoint_no_change BEFORE UPDATE OR DELETE ON ledger_checkpoint
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER ledger_checkpoint_no_truncate BEFORE TRUNCATE ON ledger_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE FUNCTION ledger_checkpoint_next() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM ledger_checkpoint WHERE employer = NEW.employer AND size >= NEW.size) THEN
        RAISE EXCEPTION 'ledger_checkpoint goes onward: there is one over as many leaves';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER ledger_checkpoint_onward BEFORE INSERT ON ledger_checkpoint
    FOR EACH ROW EXECUTE FUNCTION ledger_checkpoint_next()
    """,
    """
    CREATE TRIGGER ledger_head_no_delete BEFORE DELETE ON ledger_head
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER ledger_head_no_truncate BEFORE TRUNCATE ON ledger_head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER ledger_head_onward BEFORE UPDATE ON ledger_head
    FOR EACH ROW WHEN (NEW.size < OLD.size OR NEW.employer <> OLD.employer)
    EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER payload_no_update BEFORE UPDATE ON payload
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE TRIGGER payload_no_truncate BEFORE TRUNCATE ON payload
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
    """,
)


def upgrade() -> None:
    """Nothing that is there changes; the nodes follow from the leaves."""
    op.create_table(
        "ledger_node",
        sa.Column("employer", sa.Text(), sa.ForeignKey("employer.id"), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("employer", "level", "place"),
        comment="Append-only. Roots of the complete subtrees of 2^level leaves, level from 1, place from 0.",
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("employer", sa.Text(), sa.ForeignKey("employer.id"), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("employer", "size"),
        comment="Append-only. Signed notes about the first so many leaves, each naming the one before.",
    )
    op.create_table(
        "ledger_anchor",
        sa.Column("employer", sa.Text(), sa.ForeignKey("employer.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("made", MOMENT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('pin', 'mail', 'timestamp', 'witness')", name=op.f("ck_ledger_anchor_kind")
        ),
        sa.PrimaryKeyConstraint("employer", "kind", "size", "holder"),
        comment="What was given to whom outside, so that its age is known; the anchor itself is outside.",
    )
    op.create_index("ix_ledger_anchor_employer_made", "ledger_anchor", ["employer", "made"])
    op.create_table(
        "exported_history",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("recorded", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("employer", "seq"),
        comment="Projection: the histories of runs that were exported, by the fact that says so.",
    )
    op.create_index("ix_exported_history_workflow_seq", "exported_history", ["workflow", "seq"])
    op.add_column("ledger_head", sa.Column("recorded", MOMENT, nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.create_table_comment("ledger_head", HEAD_NOW, existing_comment=HEAD)
    _fill_nodes()
    _fill_recorded()
    for statement in SQLITE_TRIGGERS if sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)


def _fill_nodes() -> None:
    """The nodes of the leaves that are there; the hash beside a leaf is trusted here and verified elsewhere."""
    connection = op.get_bind()
    leaf = sa.table("ledger_leaf", sa.column("employer"), sa.column("seq"), sa.column("hash"))
    node = sa.table(
        "ledger_node", sa.column("employer"), sa.column("level"), sa.column("place"), sa.column("hash")
    )
    for employer in connection.scalars(sa.select(leaf.c.employer).distinct()).all():
        leaves = sa.select(leaf.c.hash).where(leaf.c.employer == employer).order_by(leaf.c.seq)
        level, hashes = 0, list(connection.scalars(leaves))
        while len(hashes) > 1:
            pairs = range(0, len(hashes) - 1, 2)
            hashes = [hashlib.sha256(b"\x01" + hashes[n] + hashes[n + 1]).digest() for n in pairs]
            level += 1
            rows = [
                {"employer": employer, "level": level, "place": place, "hash": hash}
                for place, hash in enumerate(hashes)
            ]
            connection.execute(sa.insert(node), rows)


def _fill_recorded() -> None:
    """When the last leaf of each employer was recorded."""
    connection = op.get_bind()
    leaf = sa.table("ledger_leaf", sa.column("employer"), sa.column("seq"), sa.column("body"))
    head = sa.table("ledger_head", sa.column("employer"), sa.column("size"), sa.column("recorded", MOMENT))
    last = sa.select(leaf.c.employer, leaf.c.body).join(
        head, (head.c.employer == leaf.c.employer) & (head.c.size == leaf.c.seq)
    )
    for employer, body in connection.execute(last).all():
        recorded = datetime.fromisoformat(json.loads(body)["recorded"])
        if connection.dialect.name == "sqlite":
            recorded = recorded.replace(tzinfo=None)
        mine = head.c.employer == employer
        connection.execute(sa.update(head).where(mine).values(recorded=recorded))


def downgrade() -> None:
    """Checkpoints and the notes of anchors are lost; everything recorded stays."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    old = (
        ("ledger_head", ("no_delete", "onward", "once" if sqlite else "no_truncate")),
        ("payload", ("no_update", "once" if sqlite else "no_truncate")),
    )
    for table, triggers in old:
        for trigger in triggers:
            op.execute(f"DROP TRIGGER {table}_{trigger}" + ("" if sqlite else f" ON {table}"))
    if not sqlite:
        op.create_table_comment("ledger_head", HEAD, existing_comment=HEAD_NOW)
    op.drop_column("ledger_head", "recorded")
    for table in ("exported_history", "ledger_anchor", "ledger_checkpoint", "ledger_node"):
        op.drop_table(table)
    if not sqlite:
        op.execute("DROP FUNCTION ledger_checkpoint_next()")
        op.execute("DROP FUNCTION ledger_refuse()")
