"""The timeline is searched by whom it names, by step, unit, kind and month; and what people wrote, by its words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OF_A_UNIT, _OF_THE_EMPLOYER, _OF_A_STEP = "unit IS NOT NULL", "unit IS NULL", "base_step IS NOT NULL"


def upgrade() -> None:
    """The timeline is emptied, since its rows lack what it is searched by: it is built up again from the ledger."""
    op.execute("DELETE FROM timeline")
    with op.batch_alter_table("timeline") as timeline:
        timeline.drop_index("ix_timeline_cycle_seq")
        timeline.add_column(sa.Column("base_step", sa.Text(), nullable=True))
        timeline.add_column(sa.Column("month", sa.Integer(), nullable=False))
        timeline.create_table_comment(
            "Projection: one row a fact. people = everyone it names, with a space before and after each; "
            "base_step = Y28 for Y28.1; month = that which it concerns in UTC, counted from year 0."
        )
    op.create_index("ix_timeline_employer_kind_seq", "timeline", ["employer", "kind", "seq"])
    op.create_index("ix_timeline_employer_month_seq", "timeline", ["employer", "month", "seq"])
    _partial("ix_timeline_of_a_unit", ["employer", "unit", "seq", "base_step", "kind"], _OF_A_UNIT)
    _partial("ix_timeline_of_the_employer", ["employer", "seq"], _OF_THE_EMPLOYER)
    _partial("ix_timeline_of_a_step", ["employer", "base_step", "seq", "kind", "step"], _OF_A_STEP)
    op.create_table(
        "timeline_person",
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("employer", "person", "seq"),
        sqlite_with_rowid=False,
        comment="Projection: the facts that name a person, to be found by the person.",
    )
    if op.get_context().dialect.name == "sqlite":
        _words_on_sqlite()
    else:
        # A server of the locale C makes no other letters small than those of ASCII.
        op.execute(
            "CREATE INDEX ix_payload_words ON payload USING gin (to_tsvector('simple', "
            "translate(text, 'ÆØÅÄÖÜÉÈÊËÓÒÔÁÀÂÍÚÑÇČĐŊŠŦŽ', 'æøåäöüéèêëóòôáàâíúñçčđŋšŧž')))"
        )


def _partial(name: str, columns: list[str], only: str) -> None:
    where = sa.text(only)
    op.create_index(name, "timeline", columns, sqlite_where=where, postgresql_where=where)


def _words_on_sqlite() -> None:
    """An index of words without the texts. `text_place` numbers them, in the order of each employer's ledger."""
    op.execute(
        "CREATE TABLE text_place (id INTEGER PRIMARY KEY AUTOINCREMENT, employer TEXT NOT NULL, "
        "fact_id TEXT NOT NULL, seq BIGINT NOT NULL, UNIQUE (employer, fact_id), UNIQUE (employer, seq))"
    )
    op.execute(
        "CREATE VIRTUAL TABLE text_word USING fts5(text, content='', detail=none, columnsize=0, "
        "prefix='2 3 4', tokenize='unicode61 remove_diacritics 0')"
    )
    op.execute(
        "INSERT INTO text_place (employer, fact_id, seq) SELECT p.employer, p.fact_id, l.seq FROM payload p "
        "JOIN ledger_leaf l ON l.employer = p.employer AND l.fact_id = p.fact_id ORDER BY p.employer, l.seq"
    )
    op.execute(
        "INSERT INTO text_word (rowid, text) SELECT t.id, p.text FROM text_place t "
        "JOIN payload p ON p.employer = t.employer AND p.fact_id = t.fact_id ORDER BY t.id"
    )
    op.execute(
        "CREATE TRIGGER payload_words_in AFTER INSERT ON payload BEGIN "
        "INSERT INTO text_place (employer, fact_id, seq) SELECT employer, fact_id, seq FROM ledger_leaf "
        "WHERE employer = NEW.employer AND fact_id = NEW.fact_id; "
        "INSERT INTO text_word (rowid, text) SELECT id, NEW.text FROM text_place "
        "WHERE employer = NEW.employer AND fact_id = NEW.fact_id; END"
    )
    op.execute(
        "CREATE TRIGGER payload_words_out AFTER DELETE ON payload BEGIN "
        "INSERT INTO text_word (text_word, rowid, text) SELECT 'delete', id, OLD.text FROM text_place "
        "WHERE employer = OLD.employer AND fact_id = OLD.fact_id; "
        "DELETE FROM text_place WHERE employer = OLD.employer AND fact_id = OLD.fact_id; END"
    )


def downgrade() -> None:
    """Only what the ledger and the texts say anyway is lost."""
    if op.get_context().dialect.name == "sqlite":
        for name in ("payload_words_in", "payload_words_out"):
            op.execute(f"DROP TRIGGER {name}")
        for name in ("text_word", "text_place"):
            op.execute(f"DROP TABLE {name}")
    else:
        op.execute("DROP INDEX ix_payload_words")
    op.drop_table("timeline_person")
    for name in ("of_a_step", "of_the_employer", "of_a_unit", "employer_month_seq", "employer_kind_seq"):
        op.drop_index(f"ix_timeline_{name}", "timeline")
    op.execute("DELETE FROM timeline")
    with op.batch_alter_table("timeline") as timeline:
        timeline.drop_column("month")
        timeline.drop_column("base_step")
        timeline.create_index("ix_timeline_cycle_seq", ["cycle", "seq"])
