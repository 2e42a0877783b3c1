"""The timeline is searched by whom it names, by step, unit, kind and month; and what people wrote, by its words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CAPITALS, _SMALL = "ÆØÅÄÖÜÉÈÊËÓÒÔÁÀÂÍÚÑÇČĐŊŠŦŽ", "æøåäöüéèêëóòôáàâíúñçčđŋšŧž"
_SIGNS = """!"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«»‹›“”„‘’‚–—…·•°§\u00a0"""
_FOLDED = (_CAPITALS + _SIGNS).replace("'", "''"), _SMALL + " " * len(_SIGNS)
"""From which letters to which. A server of the locale C makes no other letters small than those of ASCII, and takes
« for a letter; any server would take an address or a date for one word."""

_TEXT_WORDS = """
    CREATE FUNCTION text_words(employer text, said text) RETURNS tsvector LANGUAGE sql IMMUTABLE RETURN
    array_to_tsvector(ARRAY(
      SELECT employer || ' ' || left(word, 400)
      FROM unnest(tsvector_to_array(to_tsvector('simple', translate(left(said, 50000), 'FROM', 'TO')))) AS word
    ))
""".replace("FROM'", f"{_FOLDED[0]}'").replace("TO'", f"{_FOLDED[1]}'")
"""Each word after its employer, as its index begins with; within what a tsvector may hold."""

_NOT_SAMPLED = {
    "text_word": {"words": "tsvector"},
    "payload": {"text": "text"},
    "deposited_text": {"text": "text"},
    "person": {"name": "text", "email": "text", "external_key": "text"},
    "document": {"name": "text"},
}
"""Columns that PostgreSQL takes no samples of for its planner, which would outlive what is erased; it throws away
those it has where the type is said anew."""

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
    by_month = ["employer", "month", "seq", "concerns"]
    op.create_index("ix_timeline_employer_month_seq_concerns", "timeline", by_month)
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
        _words_on_server()


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


def _words_on_server() -> None:
    """The words of each text by its place in the ledger, and an index of them by employer and word."""
    op.execute(_TEXT_WORDS)
    op.execute(
        "CREATE TABLE text_word (employer text NOT NULL, seq bigint NOT NULL, words tsvector NOT NULL, "
        "CONSTRAINT pk_text_word PRIMARY KEY (employer, seq))"
    )
    op.execute(
        "COMMENT ON TABLE text_word IS 'The words of each text of payload, in small letters, each after its employer. "
        "Kept by triggers on payload.'"
    )
    for table, columns in _NOT_SAMPLED.items():
        changes = (
            f"ALTER {name} TYPE {type}, ALTER {name} SET STATISTICS 0" for name, type in columns.items()
        )
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
    op.execute(
        "INSERT INTO text_word (employer, seq, words) SELECT l.employer, l.seq, text_words(l.employer, p.text) "
        "FROM payload p JOIN ledger_leaf l ON l.employer = p.employer AND l.fact_id = p.fact_id "
        "ORDER BY l.employer, l.seq"
    )
    # Without the list of what is not sorted in yet, which every search would have to read from end to end.
    op.execute("CREATE INDEX ix_text_word_words ON text_word USING gin (words) WITH (fastupdate = off)")
    op.execute(
        "CREATE FUNCTION payload_words_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO text_word (employer, seq, words) SELECT l.employer, l.seq, text_words(l.employer, NEW.text) "
        "FROM ledger_leaf l WHERE l.employer = NEW.employer AND l.fact_id = NEW.fact_id; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION payload_words_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "DELETE FROM text_word t USING ledger_leaf l WHERE l.employer = OLD.employer AND l.fact_id = OLD.fact_id "
        "AND t.employer = l.employer AND t.seq = l.seq; RETURN NULL; END $$"
    )
    for name, event in (("payload_words_in", "INSERT"), ("payload_words_out", "DELETE")):
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON payload FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    """Only what the ledger and the texts say anyway is lost."""
    if op.get_context().dialect.name == "sqlite":
        for name in ("payload_words_in", "payload_words_out"):
            op.execute(f"DROP TRIGGER {name}")
        for name in ("text_word", "text_place"):
            op.execute(f"DROP TABLE {name}")
    else:
        for name in ("payload_words_in", "payload_words_out"):
            op.execute(f"DROP TRIGGER {name} ON payload")
            op.execute(f"DROP FUNCTION {name}()")
        op.execute("DROP FUNCTION text_words(text, text)")
        op.execute("DROP TABLE text_word")
    op.drop_table("timeline_person")
    for name in (
        "of_a_step",
        "of_the_employer",
        "of_a_unit",
        "employer_month_seq_concerns",
        "employer_kind_seq",
    ):
        op.drop_index(f"ix_timeline_{name}", "timeline")
    op.execute("DELETE FROM timeline")
    with op.batch_alter_table("timeline") as timeline:
        timeline.drop_column("month")
        timeline.drop_column("base_step")
        timeline.create_index("ix_timeline_cycle_seq", ["cycle", "seq"])
