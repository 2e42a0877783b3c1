"""One set-up of structlog and the standard library's logging, for worker, portal and command line.

Lines carry ids, roles, counts and dates, never names, comments or answers. Tracebacks are plain: no local
variables, which could hold what a person wrote.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow


def temporal_context(_: Any, __: str, event: EventDict) -> EventDict:
    """Add which workflow or activity is speaking: ids, attempt, and the workflow's own time (ISO 8601)."""
    if workflow.in_workflow():
        info = workflow.info()
        event.setdefault("workflow_id", info.workflow_id)
        event.setdefault("run_id", info.run_id)
        event.setdefault("workflow_time", workflow.now().isoformat())
        if update := workflow.current_update_info():
            event.setdefault("update_id", update.id)
    elif activity.in_activity():
        call = activity.info()
        event.setdefault("workflow_id", call.workflow_id)
        event.setdefault("activity", call.activity_type)
        event.setdefault("attempt", call.attempt)
    return event


class LiveOnly(logging.Filter):
    """Lets nothing through that a workflow repeats while its history is replayed."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (workflow.in_workflow() and workflow.unsafe.is_replaying_history_events())


def configure(level: int = logging.INFO, *, json: bool = True, stream: TextIO | None = None) -> None:
    """Send every log line at `level` or above to `stream` (standard error), as JSON or for a person to read.

    Replaces what was configured before; call it once, first thing in an entry point.
    """
    stream = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        temporal_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper("iso"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.addFilter(LiveOnly())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(json, stream),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    workflow.logger.workflow_info_on_message = workflow.logger.workflow_info_on_extra = False
    activity.logger.activity_info_on_message = activity.logger.activity_info_on_extra = False


def _renderers(json: bool, stream: TextIO) -> list[Processor]:
    if json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
