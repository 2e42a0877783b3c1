"""The year as data: a programme names the steps, their windows, owners, gates and legal ground.

The models say what shape a programme has; `workflows.rules.programme_file` reads one from TOML and refuses
what makes no sense. A cycle that runs pins its programme as JSON, and reading that back asks for the shape
alone: a rule of sense that comes later cannot stop a year that has begun.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from workflows.rules.base import Frozen
from workflows.rules.calendar import WorkCalendar
from workflows.rules.organisation import Profile, Role
from workflows.rules.phrase import Misread, Phrase


class ProgrammeError(ValueError):
    """A programme that cannot run: where the fault is, what it is, and what to do."""

    def __init__(self, where: str, fault: Phrase, remedy: Phrase) -> None:
        super().__init__(f"{where}: {fault} {remedy}")
        self.where, self.fault, self.remedy = where, fault, remedy


class Stage(StrEnum):
    """The seven stages of the year's work (aml. § 3-1, IKF § 5)."""

    PLAN = "plan"
    MAP = "map"
    ASSESS = "assess"
    ACT = "act"
    INFORM = "inform"
    FOLLOW_UP = "follow_up"
    REVIEW = "review"


class Level(StrEnum):
    EMPLOYER = "employer"
    UNIT = "unit"


class Kind(StrEnum):
    """What is asked of a participant in a gate."""

    APPROVE = "approve"
    """The employer's side decides."""
    CONSULT = "consult"
    """The safety representative or a union representative is heard (aml. § 6-2): no veto, never skipped."""
    TREAT = "treat"
    """The working environment committee treats the matter (aml. § 7-2)."""


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_ORDINALS = ("1st", "2nd", "3rd", "4th")
_DAY = re.compile(r"(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_NTH = re.compile(
    rf"(?P<nth>{'|'.join(_ORDINALS)}) (?P<weekday>{'|'.join(WEEKDAYS)}) of (?P<month>{'|'.join(MONTHS)})"
)
_CLOCK = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])(:00)?")
_OFFSET = re.compile(r"(?P<base>opens|due|[A-Z][0-9]{2,3}) (?P<sign>[+-]) (?P<days>[0-9]{1,3}) d")


class When(Frozen):
    """A day of the year as the programme writes it.

    `05-20` · `2nd monday of march` · `opens + 21 d` · `due - 21 d` · `Y12 + 14 d` (from Y12's due date),
    each optionally followed by `, at latest 06-01`.
    """

    text: str
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    nth: int | None = None
    base: str | None = None
    days: int = 0
    latest: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> When:
        """Read one expression; `Misread` lists the forms that are understood."""
        main, limited, limit = text.partition(", at latest ")
        latest = None
        if limited:
            if not (m := _DAY.fullmatch(limit)):
                raise Misread(
                    Phrase("«{text}» has no day after «at latest».", text=text),
                    Phrase("Write one as MM-DD, e.g. 06-01."),
                )
            latest = _month_day(m, text)
        if m := _DAY.fullmatch(main):
            month, day = _month_day(m, text)
            return cls(text=text, month=month, day=day, latest=latest)
        if m := _NTH.fullmatch(main):
            return cls(
                text=text, month=MONTHS.index(m["month"]) + 1, weekday=WEEKDAYS.index(m["weekday"]),
                nth=_ORDINALS.index(m["nth"]) + 1, latest=latest,
            )  # fmt: skip
        if m := _OFFSET.fullmatch(main):
            return cls(text=text, base=m["base"], days=int(m["sign"] + m["days"]), latest=latest)
        raise Misread(
            Phrase("«{text}» is not a day.", text=text),
            Phrase(
                "Write 05-20, «2nd monday of march», «opens + 21 d», «due - 21 d» or «Y12 + 14 d», "
                "and if need be «, at latest 06-01» after it."
            ),
        )


def _month_day(match: re.Match[str], text: str) -> tuple[int, int]:
    month, day = int(match["month"]), int(match["day"])
    last = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not 1 <= month <= 12 or not 1 <= day <= last[month - 1]:
        raise Misread(
            Phrase("«{text}»: there is no such day in every year.", text=text),
            Phrase("Choose a day that each year has."),
        )
    return month, day


def _when(value: object) -> When:
    if isinstance(value, When):
        return value
    if isinstance(value, str):
        return When.parse(value)
    if isinstance(value, date):
        raise Misread(
            Phrase("{day} is a date of one year, and the programme is for every year.", day=value),
            Phrase('Write the day alone, in quotes: "{day:%m-%d}".', day=value),
        )
    raise Misread(Phrase("this is not a day."), Phrase('Write it in quotes, like "05-20" or "opens + 21 d".'))


WhenField = Annotated[When, BeforeValidator(_when), PlainSerializer(lambda w: w.text, return_type=str)]

Written = Annotated[str, Field(pattern=r"\S")]
StepId = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2,3}$")]
Whole = Annotated[int, Field(strict=True)]
YesNo = Annotated[bool, Field(strict=True)]


class Text(Frozen):
    """A text in the languages of the people: bokmål and English always, nynorsk where it is written."""

    nb: Written
    en: Written
    nn: Written | None = None

    def in_(self, language: str) -> str:
        """The text in `nb`, `nn` or `en`; nynorsk falls back to bokmål."""
        if language == "en":
            return self.en
        return self.nn or self.nb if language == "nn" else self.nb


class Window(Frozen):
    """When a step opens and when it is due. A due date that is no working day moves in direction `move`."""

    opens: WhenField
    due: WhenField
    move: Literal["next", "previous"] = "next"


class SlotRule(Frozen):
    """One participant of a gate. Equal `order` means side by side; a higher one waits for the lower."""

    kind: Kind
    role: Role
    order: Whole = Field(default=1, ge=1, le=9)
    quorum: Whole = Field(default=1, ge=1, le=20)
    four_eyes: YesNo = False


Condition = Literal["ohs", "section_8_1", "ldl_26", "whistleblowing_routine"]


class Variant(Frozen):
    """What another size of employer changes in a step."""

    name: Text | None = None
    owner: Role | None = None
    participants: tuple[Role, ...] | None = None
    gate: tuple[SlotRule, ...] | None = None
    inform: tuple[Role, ...] | None = None
    evidence: Text | None = None
    methods: tuple[str, ...] | None = None


class StepRule(Frozen):
    """One dated duty of the year.

    `builds_on` names steps whose outcome this one needs though none of its dates count from them. It opens
    all the same, and its opening says which of them are unfinished.
    """

    id: StepId
    name: Text
    stage: Stage
    level: Level
    windows: tuple[Window, ...] = Field(min_length=1)
    owner: Role
    participants: tuple[Role, ...] = ()
    gate: tuple[SlotRule, ...] = ()
    inform: tuple[Role, ...] = ()
    evidence: Text
    requirements: tuple[str, ...] = ()
    law: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    builds_on: tuple[StepId, ...] = ()
    profiles: tuple[Profile, ...] = Field(default=tuple(Profile), min_length=1)
    only_if: Condition | None = None
    small: Variant | None = None
    medium: Variant | None = None

    def for_profile(self, profile: Profile) -> StepRule:
        """The step as an employer of this size has it."""
        variant = {Profile.SMALL: self.small, Profile.MEDIUM: self.medium, Profile.LARGE: None}[profile]
        if variant is None:
            return self
        changed = {k: v for k in Variant.model_fields if (v := getattr(variant, k)) is not None}
        return self.model_copy(update=changed)

    def anchors(self) -> tuple[str, ...]:
        """The steps whose due dates this one counts its own days from, in order of id."""
        bases = {when.base for window in self.windows for when in (window.opens, window.due)}
        return tuple(sorted(base for base in bases if base not in (None, "opens", "due")))


class Rung(Frozen):
    """A rung of the ladder: so many days after the due date these people are told."""

    days: Whole = Field(ge=1, le=120)
    to: tuple[Role | Literal["leader_of_owner"], ...] = Field(min_length=1)
    deviation: YesNo = False
    wec_item: YesNo = False


def _clock(value: object) -> object:
    """A time of day as the file has it: `"08:15"`, or TOML's own 08:15:00."""
    if value is None or (isinstance(value, time) and value == time(value.hour, value.minute)):
        return value
    if isinstance(value, str) and (m := _CLOCK.fullmatch(value)):
        return time(int(m["hour"]), int(m["minute"]))
    shown = f"«{value}»" if isinstance(value, str) else f"{value}"
    raise Misread(
        Phrase("{shown} is not a time of day.", shown=shown[:62]),
        Phrase('Write it in quotes, from 00:00 to 23:59: "08:15".'),
    )


class Ladder(Frozen):
    """Reminders as days before the due date (0 = on the day), then the rungs after it."""

    reminders: tuple[Annotated[int, Field(strict=True, ge=0, le=366)], ...] = (14, 3, 0)
    rungs: tuple[Rung, ...] = ()
    answer_days: Whole = Field(default=14, ge=1, le=90)
    """Days that the employer has to answer a disagreement (E8)."""
    digest_at: Annotated[time | None, BeforeValidator(_clock)] = None
    """When on the next day what could not go into a day's one mail goes; None: soon after the day's notices."""

    @field_validator("reminders")
    @classmethod
    def _nearer_and_nearer(cls, reminders: tuple[int, ...]) -> tuple[int, ...]:
        if list(reminders) != sorted(set(reminders), reverse=True):
            raise Misread(
                Phrase(
                    "{days} are not nearer and nearer to the due date.", days=", ".join(map(str, reminders))
                ),
                Phrase("Write the days before it, each smaller than the one before: 14, 3, 0."),
            )
        return reminders

    @field_validator("rungs")
    @classmethod
    def _later_and_later(cls, rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
        days = [r.days for r in rungs]
        if days != sorted(set(days)):
            raise Misread(
                Phrase("the rungs stand at {days} days.", days=", ".join(map(str, days))),
                Phrase("Let each rung come later than the one before: order them by days."),
            )
        return rungs


class Factor(Frozen):
    """A psychosocial factor and the provision that names it."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Text
    law: str


class Method(Frozen):
    """A way of mapping (hms-domain § 3); quantitative and dialogic sources confirm each other."""

    id: str = Field(pattern=r"^M[0-9]$")
    name: Text
    nature: Literal["quantitative", "dialogic", "observation"]


class Later(Frozen):
    """A requirement that no dated step carries yet, and what will carry it."""

    requirement: str
    by: Text


class Programme(Frozen):
    """A year's programme. `closes` is a day of the following year: what is open then stands open."""

    id: Written
    version: Whole = Field(ge=1)
    name: Text
    closes: WhenField
    calendar: WorkCalendar = WorkCalendar()
    ladder: Ladder
    factors: tuple[Factor, ...] = ()
    methods: tuple[Method, ...] = ()
    later: tuple[Later, ...] = ()
    steps: tuple[StepRule, ...] = Field(min_length=1)

    @property
    def content_hash(self) -> str:
        """SHA-256 of the programme's canonical JSON: what a running cycle pins."""
        body = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(body.encode()).hexdigest()

    @property
    def digest_at(self) -> time:
        """When on the next day a digest goes: by default a quarter past the hour of the day's notices."""
        return self.ladder.digest_at or time(self.calendar.hour, 15)

    def step(self, id: str) -> StepRule:
        return next(s for s in self.steps if s.id == id)
