"""Which histories have been exported, and of which cycles it is time to export them."""

from __future__ import annotations

from datetime import UTC as _UTC
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy import and_, bindparam, func, not_, or_, select, union_all

from activities.store.prepared import Prepared, bound
from activities.store.reader import Reader
from activities.store.rows import State
from activities.store.tables import UTC, cycle, exported_history, ledger_leaf
from workflows.rules.base import Frozen

_EVER = datetime.min.replace(tzinfo=_UTC)


class Exported(Frozen):
    """One exported history: so many events of a run; `recorded` and `seq` are of the fact that says so."""

    employer: str
    seq: int
    workflow: str
    run: str
    events: int
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: int
    closed: bool
    version: str
    recorded: AwareDatetime


class Due(Frozen):
    """A cycle whose history is to be exported."""

    id: str
    employer: str
    state: State


async def exported(
    reader: Reader, *, employer: str | None = None, workflow: str | None = None
) -> list[Exported]:
    """The exports in the order of the ledger, employer by employer."""
    given = {
        name: value for name, value in (("employer", employer), ("workflow", workflow)) if value is not None
    }
    return [
        Exported.model_validate(row) for row in await _EXPORTED[tuple(given)].rows(reader.connection, **given)
    ]


async def due(reader: Reader, before: datetime, closed_since: datetime = _EVER) -> list[Due]:
    """Cycles whose history is to be exported, by id.

    They are those that run, and whose last export (or start) was at `before` or earlier; and those that were closed
    at `closed_since` or later, and of which the end is not exported yet.
    """
    rows = await _DUE.rows(reader.connection, before=before, since=closed_since)
    return sorted((Due.model_validate(row) for row in rows), key=lambda cycle: cycle.id)


_EXPORTED: dict[tuple[str, ...], Prepared] = {
    columns: Prepared(
        select(*(exported_history.c[name] for name in Exported.model_fields))
        .where(*bound(exported_history, *columns))
        .order_by(exported_history.c.employer, exported_history.c.seq)
    )
    for columns in ((), ("employer",), ("workflow",), ("employer", "workflow"))
}

_any = exported_history.alias("any_export")
_newest = (
    select(func.max(_any.c.seq))
    .where(_any.c.workflow == cycle.c.id, _any.c.employer == cycle.c.employer)
    .correlate(cycle)
    .scalar_subquery()
)
_ending = (
    select(func.max(ledger_leaf.c.seq))
    .where(ledger_leaf.c.cycle == cycle.c.id, ledger_leaf.c.kind == "cycle_closed")
    .correlate(cycle)
    .scalar_subquery()
)
_cycles = select(cycle.c.id, cycle.c.employer, cycle.c.state).outerjoin_from(
    cycle,
    exported_history,
    and_(exported_history.c.employer == cycle.c.employer, exported_history.c.seq == _newest),
)
_DUE = Prepared(
    union_all(
        _cycles.where(
            cycle.c.state == "running",
            func.coalesce(exported_history.c.recorded, cycle.c.started) <= bindparam("before", type_=UTC),
        ),
        _cycles.where(
            cycle.c.state == "closed",
            cycle.c.closed >= bindparam("since", type_=UTC),
            or_(
                exported_history.c.seq.is_(None),
                # What was exported before the end of the year lacks the end, also when that run was closed.
                not_(and_(exported_history.c.closed, exported_history.c.seq > _ending)),
            ),
        ),
    )
)
