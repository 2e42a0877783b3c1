"""Runs the migrations on the connection that `Database.upgrade` gives, within its transaction."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from activities.store.tables import METADATA, UTC


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column type as the plain one it is stored as, so that no version imports the product."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTC) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    render_item=render_item,
    transactional_ddl=True,
)
context.run_migrations()
