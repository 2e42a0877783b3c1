"""The words for roles, answers and what is waited for, as they stand in letters, on paper and on screens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from activities.language import N_, _
from workflows.rules.organisation import Role
from workflows.rules.programme import Stage
from workflows.rules.terms import Basis, Outcome, What

ROLES: Mapping[Role, tuple[str, str]] = {
    Role.TOP_MANAGER: (N_("øverste leder"), N_("øverste leder")),
    Role.MANAGER: (N_("leder"), N_("lederen")),
    Role.HR: (N_("HR"), N_("HR")),
    Role.SAFETY_REP: (N_("verneombud"), N_("verneombudet")),
    Role.DEPUTY_SAFETY_REP: (N_("vara for verneombudet"), N_("vara for verneombudet")),
    Role.SENIOR_SAFETY_REP: (N_("hovedverneombud"), N_("hovedverneombudet")),
    Role.WEC_CHAIR: (N_("leder av arbeidsmiljøutvalget (AMU)"), N_("lederen av arbeidsmiljøutvalget (AMU)")),
    Role.WEC: (N_("medlem av arbeidsmiljøutvalget (AMU)"), N_("arbeidsmiljøutvalget (AMU)")),
    Role.OHS: (N_("bedriftshelsetjeneste"), N_("bedriftshelsetjenesten")),
    Role.UNION_REP: (N_("tillitsvalgt"), N_("den tillitsvalgte")),
    Role.DPO: (N_("personvernombud"), N_("personvernombudet")),
    Role.BOARD: (N_("styremedlem"), N_("styret")),
    Role.CONTACT_PERSON: (N_("kontaktperson for de ansatte"), N_("kontaktpersonen for de ansatte")),
    Role.EMPLOYEES: (N_("ansatt"), N_("de ansatte")),
}
"""Each role as people say it: «du er …», and «… får beskjed»."""

OUTCOME_NAMES: Mapping[Outcome, str] = {
    Outcome.APPROVED: N_("godkjent"),
    Outcome.CHANGES_REQUESTED: N_("ber om endringer"),
    Outcome.REJECTED: N_("avvist"),
    Outcome.AGREED: N_("enig"),
    Outcome.AGREED_WITH_REMARKS: N_("enig, med merknader"),
    Outcome.DISAGREES: N_("uenig"),
    Outcome.NO_RESPONSE: N_("ikke svart etter en reell mulighet"),
    Outcome.TREATED: N_("behandlet"),
}

WAITED_FOR: Mapping[What, str] = {
    "evidence": N_("skal legge fram det som trengs"),
    "approve": N_("skal ta stilling nå"),
    "consult": N_("er rådspurt, har ikke svart"),
    "treat": N_("skal behandle saken nå"),
    "answer": N_("skal svare på uenigheten"),
}

TO_COME: Mapping[What, str] = {
    "evidence": N_("skal legge fram det som trengs"),
    "approve": N_("tar stilling etterpå"),
    "consult": N_("blir rådspurt etterpå"),
    "treat": N_("behandler saken etterpå"),
    "answer": N_("svarer på uenigheten etterpå"),
}

REVOKED: Mapping[str, str] = {
    "lost": N_("den er mistet"),
    "stolen": N_("den kan være på avveie"),
    "replaced": N_("den er byttet ut"),
    "left": N_("personen har sluttet"),
}
"""Why a key was revoked."""

STAGES: Mapping[Stage, str] = {
    Stage.PLAN: N_("Planlegging"),
    Stage.MAP: N_("Kartlegging"),
    Stage.ASSESS: N_("Risikovurdering"),
    Stage.ACT: N_("Tiltak"),
    Stage.INFORM: N_("Informasjon"),
    Stage.FOLLOW_UP: N_("Oppfølging"),
    Stage.REVIEW: N_("Gjennomgang"),
}
"""The stages of the year's work."""

BASES: Mapping[Basis, str] = {
    "retention": N_("fordi lagringstiden er ute"),
    "request": N_("fordi den det gjelder, ba om det"),
    "mistake": N_("fordi det aldri skulle vært der"),
    "left": N_("fordi den det gjelder, har sluttet"),
}
"""Why something was erased."""


def listed(parts: Iterable[str]) -> str:
    """«a, b og c»."""
    *most, last = list(parts) or [""]
    return _("{most} og {last}").format(most=", ".join(most), last=last) if most else last


def capital(text: str) -> str:
    """`text` with a capital first letter."""
    return text[:1].upper() + text[1:]
