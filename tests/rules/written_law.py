"""A small register of law as somebody writes it."""

from __future__ import annotations

PROVISION = """
[[provisions]]
id = "AML-6-1"
act = "arbeidsmiljøloven"
section = "arbeidsmiljøloven § 6-1"
nb = "Verneombud."
en = "Safety representative."
valid_from = 2024-01-01
source = "BHTSV"
confidence = "verified"
"""
REQUIREMENT = """
[[requirements]]
id = "R-04"
nb = "Velge verneombud."
en = "Elect a safety representative."
participants = { nb = "alle", en = "all" }
cadence = { nb = "annethvert år", en = "every second year" }
documented = { nb = "protokoll", en = "record" }
stages = ["S0"]
gate = "hard"
provisions = ["AML-6-1"]
"""
THRESHOLD = """
[[thresholds]]
id = "safety_rep"
value = 5
counting = "everyone"
comparison = "at_least"
valid_from = 2024-01-01
provision = "AML-6-1"
source = "BHTSV"
"""
SMALL = 'version = "test"\n' + PROVISION + REQUIREMENT + THRESHOLD


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)
