"""A programme of two steps, and what reading a spoilt one says."""

from __future__ import annotations

import pytest

from workflows.rules.programme import ProgrammeError
from workflows.rules.programme_file import parse_programme

YEAR = """
[programme]
id = "small"
version = 1
name = { nb = "Et lite år", en = "A small year" }
closes = "01-31"

[ladder]
reminders = [14, 3, 0]
rungs = [
  { days = 3, to = ["leader_of_owner"] },
  { days = 10, to = ["hr"], deviation = true },
]

[[factors]]
id = "workload"
name = { nb = "Arbeidsmengde", en = "Workload" }
law = "AML-4-3-2-c"

[[methods]]
id = "M1"
name = { nb = "Puls", en = "Pulse" }
nature = "quantitative"

[[later]]
requirement = "R-28"
by = { nb = "meldingen", en = "the notice" }

[[steps]]
id = "Y01"
name = { nb = "Mål", en = "Goals" }
stage = "plan"
level = "employer"
windows = [{ opens = "01-02", due = "01-15" }]
owner = "top_manager"
participants = ["senior_safety_rep"]
gate = [
  { kind = "consult", role = "senior_safety_rep", order = 1 },
  { kind = "approve", role = "top_manager", order = 2 },
]
evidence = { nb = "Mål", en = "Goals" }
requirements = ["R-01"]
law = ["AML-3-1-2-a"]

[[steps]]
id = "Y02"
name = { nb = "Kartlegging", en = "Mapping" }
stage = "map"
level = "unit"
windows = [{ opens = "2nd monday of march", due = "opens + 21 d, at latest 06-01" }]
owner = "manager"
evidence = { nb = "Svarprosent", en = "Response rate" }
requirements = ["R-18"]
law = ["OLM-7-1"]
methods = ["M1"]
"""

SECOND = YEAR[YEAR.index("[[steps]]", YEAR.index("Y01")) :]


def changed(old: str, new: str) -> str:
    """The programme with the first `old` in it turned into `new`."""
    assert old in YEAR, f"the example has no {old!r} to change"
    return YEAR.replace(old, new, 1)


def fault_in(text: str) -> ProgrammeError:
    """What reading the programme as `year.toml` says is wrong with it."""
    with pytest.raises(ProgrammeError) as caught:
        parse_programme(text, "year.toml")
    return caught.value
