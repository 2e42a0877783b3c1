"""The activities' contracts, typed and free of their imports, so that workflows load no adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod

from temporalio import activity

from workflows.messages import Advanced, AdvanceRequest, StartYearRequest


class CycleActivities(ABC):
    """What a cycle asks of the world."""

    @activity.defn(name="advance")
    @abstractmethod
    async def advance(self, request: AdvanceRequest) -> Advanced:
        """Record what is due, in one transaction, and answer with everything recorded since.

        Safe to repeat: facts have fixed ids, and the answer is read after the commit's own writes.
        """

    @activity.defn(name="start_year")
    @abstractmethod
    async def start_year(self, request: StartYearRequest) -> str:
        """Start the employer's year under its fixed id and answer with it; a year that runs is left alone."""
