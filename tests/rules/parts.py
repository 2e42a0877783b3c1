"""Parts of a made-up employer, for tests that are about one or two of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.rules.employers import SINCE
from workflows.rules.organisation import (
    Absence,
    Assignment,
    Delegation,
    Employment,
    Holder,
    Organisation,
    Role,
    SafetyArea,
    Unit,
)

DAY = date(2027, 5, 3)


def of(**parts: Any) -> Organisation:
    """An employer of the units root and u1 to u3, with the parts that the test is about."""
    units = [Unit(id="root", name="root", since=SINCE)] + [
        Unit(id=u, name=u, parent="root", area=f"a-{u}", since=SINCE) for u in ("u1", "u2", "u3")
    ]
    whole = {
        "employer": "fjell", "org_number": "923609016", "name": "Fjell AS", "units": units,
        "areas": [SafetyArea(id=f"a-u{n}", name=f"u{n}") for n in (1, 2, 3)],
        **parts,
    }  # fmt: skip
    return Organisation.model_validate(whole)


def work(person: str, since: date = SINCE, until: date | None = None, **more: Any) -> Employment:
    return Employment(person=person, unit=more.pop("unit", "u1"), since=since, until=until, **more)


def workers(count: int, **more: Any) -> list[Employment]:
    return [work(f"w{n}", **more) for n in range(count)]


def role(role: Role, person: str, **more: Any) -> Assignment:
    return Assignment(role=role, person=person, **{"since": SINCE, **more})


def away(person: str, substitute: str | None = None, **more: Any) -> Absence:
    return Absence(person=person, substitute=substitute, **{"since": SINCE, **more})


def handed(person: str, to: str, **more: Any) -> Delegation:
    return Delegation(**{"id": f"{person}-{to}", "person": person, "to": to, "since": SINCE, **more})


def names(holders: tuple[Holder, ...]) -> list[str]:
    return [h.person for h in holders]
