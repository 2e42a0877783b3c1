"""The activities' contracts, typed and free of their imports, so that workflows load no adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod

from temporalio import activity

from workflows.messages import (
    Advanced,
    AdvanceRequest,
    Erased,
    EraseDueRequest,
    Received,
    ReceiveRequest,
    StartYearRequest,
)


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


class SignalActivities(ABC):
    """What a cycle does with signals that are not the bell."""

    @activity.defn(name="receive")
    @abstractmethod
    async def receive(self, request: ReceiveRequest) -> Received:
        """Record signals that came from outside: statements are decided on, everything else is refused.

        Safe to repeat. Never fails for what came, only while the ledger cannot be written.
        """


class RetentionActivities(ABC):
    """What the yearly erasing asks of the world."""

    @activity.defn(name="erase_what_is_due")
    @abstractmethod
    async def erase_what_is_due(self, request: EraseDueRequest) -> Erased:
        """Erase some of what the employer has kept long enough, with the facts that say so.

        Safe to repeat: what went is not there to go again. What is due follows from the worker's own clock.
        """
