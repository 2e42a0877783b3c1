"""What is wrong with a value that somebody has set, in the language spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.language import N_, _

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


_PROBLEMS = {
    "int_type": N_("må være et heltall"),
    "int_parsing": N_("må være et heltall"),
    "int_from_float": N_("må være et heltall"),
    "bool_type": N_("må være true eller false"),
    "bool_parsing": N_("må være true eller false"),
    "string_type": N_("må være en tekst"),
    "string_too_short": N_("kan ikke være tom"),
    "path_type": N_("må være en sti til en fil eller mappe"),
    "greater_than_equal": N_("må være minst {ge}"),
    "less_than_equal": N_("kan ikke være større enn {le}"),
    "literal_error": N_("må være en av {choices}"),
    "enum": N_("må være en av {choices}"),
    "model_type": N_("må være en seksjon med egne verdier"),
    "dict_type": N_("må være en seksjon med egne verdier"),
    "extra_forbidden": N_("er ikke en innstilling; «forsvarlig config show» viser alle"),
    "value_error": "{error}",
}


def problem_of(error: ErrorDetails) -> str:
    """What is wrong with a value, in the language spoken: the end of a sentence that begins with its place."""
    context = error.get("ctx", {})
    choices = str(context.get("expected", "")).replace(" or ", _(" eller "))
    pattern = _PROBLEMS.get(error["type"], N_("har en verdi som ikke kan brukes"))
    return _(pattern).format(**context, choices=choices)
