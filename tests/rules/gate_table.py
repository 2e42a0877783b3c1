"""Who may say what, when, in which role, in which turn, for whom and about which version: the rows of one table."""

from __future__ import annotations

from tests.rules.gate_story import (
    ACCEPTED as OK,
)
from tests.rules.gate_story import (
    ASSESSED,
    BOARD,
    BY_TWO,
    CHAIR,
    DEPUTY,
    ELECTED,
    HR,
    LATER,
    MANAGER,
    MAPPED,
    MEMBER,
    MET,
    OTHER_MANAGER,
    OTHER_MEMBER,
    OTHER_REP,
    OWN,
    PLANNED,
    REP,
    STAND_IN,
    TOP,
    UNION_A,
    UNION_B,
    UNION_C,
    V1,
    V2,
    V3,
    WORKER,
    Do,
    H,
    M,
    R,
    Row,
    S,
    T,
    U,
    W,
    answers,
    ends_delegation,
    filed,
    hands_on,
    is_away,
    moves,
    says,
)  # fmt: skip
from workflows.rules.programme import Stage
from workflows.rules.statement import Votes
from workflows.rules.terms import Outcome, Refusal

AGREED, REMARKS, DISAGREES, SILENT, TREATED = (
    Outcome.AGREED, Outcome.AGREED_WITH_REMARKS, Outcome.DISAGREES, Outcome.NO_RESPONSE, Outcome.TREATED,
)  # fmt: skip
APPROVED, REJECTED, CHANGES = Outcome.APPROVED, Outcome.REJECTED, Outcome.CHANGES_REQUESTED


def row(name: str, tried: Do, expected: str, *before: Do, employer: str = "usual") -> Row:
    return Row(name=name, before=before, tried=tried, expected=expected, employer=employer)


FILED = filed(ASSESSED)
HEARD = (FILED, says(ASSESSED, REP, R, AGREED))
DISAGREED = (FILED, says(ASSESSED, REP, R, DISAGREES))
CLOSED = (*HEARD, says(ASSESSED, MANAGER, M, APPROVED, at="02-04 10:00"))
MAPPED_FIRST = (filed(MAPPED, at="01-06 10:00"), says(MAPPED, REP, R, AGREED, at="01-07 10:00"))
SENT_BACK = (*HEARD, says(ASSESSED, MANAGER, M, REJECTED, at="02-04 10:00"))
BASIS_CHANGED = (
    *MAPPED_FIRST, *CLOSED, filed(MAPPED, content=V2, at="02-08 10:00"),
    says(MAPPED, REP, R, AGREED, version=2, at="02-09 10:00"),
)  # fmt: skip
PLAN_HEARD = (filed(PLANNED, HR), says(PLANNED, REP, S, AGREED))
PLAN_APPROVED = (*PLAN_HEARD, says(PLANNED, TOP, T, APPROVED, at="02-04 10:00"))
ONE_UNION = (filed(MET), says(MET, UNION_A, U, AGREED))
TWO_UNIONS = (*ONE_UNION, says(MET, UNION_B, U, DISAGREES, at="02-03 11:00"))
NOON, NEXT, AFTER = "02-03 12:00", "02-04 12:00", "02-10 12:00"


def approves(at: str = NEXT, who: str = MANAGER, **more: object) -> Do:
    return says(ASSESSED, who, M, APPROVED, at=at, **more)  # type: ignore[arg-type]


def agrees(at: str = NOON, who: str = REP, **more: object) -> Do:
    return says(ASSESSED, who, R, AGREED, at=at, **more)  # type: ignore[arg-type]


def silence(at: str, who: str = MANAGER, **more: object) -> Do:
    return says(ASSESSED, who, R, SILENT, at=at, **more)  # type: ignore[arg-type]


def treats(votes: Votes | None, at: str = AFTER, who: str = CHAIR) -> Do:
    return says(PLANNED, who, W, TREATED, at=at, votes=votes)


PLAIN = (
    row("the representative agrees", agrees(), OK, FILED),
    row("the representative agrees with a remark", says(ASSESSED, REP, R, REMARKS), OK, FILED),
    row("the representative disagrees, which is no veto", says(ASSESSED, REP, R, DISAGREES), OK, FILED),
    row("the manager approves when the representative is heard", approves(), OK, *HEARD),
    row("the manager approves against the representative's advice", approves(), OK, *DISAGREED),
    row("the manager rejects", says(ASSESSED, MANAGER, M, REJECTED, at=NEXT), OK, *HEARD),
    row("the manager wants changes", says(ASSESSED, MANAGER, M, CHANGES, at=NEXT), OK, *HEARD),
    row("after the due date all the same", agrees("03-15 12:00"), OK, FILED),
    row("agreeing needs no comment", agrees(comment=None), OK, FILED),
    row("approving needs no comment", approves(comment=None), OK, *HEARD),
    *(
        row(f"{o} without a word of why", says(ASSESSED, who, r, o, at=NEXT, comment=None),
            Refusal.COMMENT_REQUIRED, *before)
        for who, r, o, before in (
            (REP, R, REMARKS, (FILED,)), (REP, R, DISAGREES, (FILED,)),
            (MANAGER, M, REJECTED, HEARD), (MANAGER, M, CHANGES, HEARD),
        )
    ),
)  # fmt: skip

WHO = (
    row("a worker in the representative's place", agrees(who=WORKER), Refusal.NOT_ELIGIBLE, FILED),
    row("the manager in the representative's place", agrees(who=MANAGER), Refusal.NOT_ELIGIBLE, FILED),
    row("the other unit's representative", agrees(who=OTHER_REP), Refusal.NOT_ELIGIBLE, FILED),
    row("the representative in the manager's place", approves(who=REP), Refusal.NOT_ELIGIBLE, *HEARD),
    row("the other unit's manager", approves(who=OTHER_MANAGER), Refusal.NOT_ELIGIBLE, *HEARD),
    row("the top manager while there is a manager", approves(who=TOP), Refusal.NOT_ELIGIBLE, *HEARD),
    row("the top manager where there is none", approves(who=TOP), OK,
        filed(ASSESSED, TOP), says(ASSESSED, REP, R, AGREED), employer="no manager"),
    row("a role that is not asked", says(ASSESSED, HR, H, APPROVED), Refusal.NOT_ELIGIBLE, FILED),
    row("somebody nobody knows", agrees(who="nobody"), Refusal.NOT_ELIGIBLE, FILED),
    row("the representative cannot approve", says(ASSESSED, REP, R, APPROVED), Refusal.WRONG_OUTCOME, FILED),
    row("the representative cannot reject", says(ASSESSED, REP, R, REJECTED), Refusal.WRONG_OUTCOME, FILED),
    row("a manager cannot merely agree", says(ASSESSED, MANAGER, M, AGREED, at=NEXT), Refusal.WRONG_OUTCOME, *HEARD),
    row("the committee's chair does not approve", says(PLANNED, CHAIR, W, APPROVED, at=AFTER),
        Refusal.WRONG_OUTCOME, *PLAN_APPROVED),
    row("the owner files", FILED, OK),
    row("HR files for the owner", filed(ASSESSED, HR), OK),
    row("the representative does not do the manager's work", filed(ASSESSED, REP), Refusal.NOT_ELIGIBLE),
    row("a worker files", filed(ASSESSED, WORKER), Refusal.NOT_ELIGIBLE),
    row("an elected owner files", filed(ELECTED, REP), OK),
)  # fmt: skip

WHEN = (
    row("a step that the year does not have", says("T99", REP, R, AGREED), Refusal.UNKNOWN_STEP, FILED),
    row("months before it opens", says(LATER, REP, R, AGREED), Refusal.NOT_YET),
    row("a second before it opens", filed(ASSESSED, at="02-01 07:59:59"), Refusal.NOT_YET),
    row("the second it opens, before anybody has looked", filed(ASSESSED, at="02-01 08:00:00"), Refusal.NOT_YET),
    row("a second after it opened", filed(ASSESSED, at="02-01 08:00:01"), OK),
    row("before anything is filed", agrees(), Refusal.NO_EVIDENCE),
    row("after the gate was passed", agrees(AFTER), Refusal.CLOSED, *CLOSED),
    row("a step never opened, when the year is over", filed(LATER, at="2028-02-01 12:00"), Refusal.TOO_LATE),
    *(
        row(f"{what} {when} the year is closed", do, expected, *before)
        for when, at, expected in (
            ("a second before", "2028-01-31 07:59:59", OK),
            ("the second that", "2028-01-31 08:00:00", Refusal.TOO_LATE),
            ("a second after", "2028-01-31 08:00:01", Refusal.TOO_LATE),
        )
        for what, do, before in (
            ("deciding", agrees(at), (FILED,)),
            ("filing", filed(ASSESSED, content=V2, at=at), (FILED,)),
            ("filing anew", filed(ASSESSED, content=V2, at=at), (FILED, says(ASSESSED, REP, R, DISAGREES),
                approves(at="02-04 10:00"))),
            ("answering", answers(ASSESSED, MANAGER, at=at), DISAGREED),
        )
    ),
    *(
        row(f"{what} {when} the unit is gone", do, expected, FILED, employer="the unit ends in April")
        for when, at, expected in (
            ("a second before", "04-01 07:59:59", OK),
            ("the second that", "04-01 08:00:00", Refusal.TOO_LATE),
            ("a second after", "04-01 08:00:01", Refusal.TOO_LATE),
        )
        for what, do in (("deciding", agrees(at)), ("filing", filed(ASSESSED, content=V2, at=at)))
    ),
    row("the employer's own year is closed a day later", filed(PLANNED, HR, at="2028-01-31 12:00"), OK),
)  # fmt: skip

VERSION = (
    row("the version before", agrees(NEXT), Refusal.STALE_VERSION, FILED, filed(ASSESSED, content=V2, at=NOON)),
    row("the version there is", agrees(NEXT, version=2), OK, FILED, filed(ASSESSED, content=V2, at=NOON)),
    row("a version that is to come", agrees(version=2), Refusal.WRONG_DOCUMENT, FILED),
    row("another document", agrees(content=V3), Refusal.WRONG_DOCUMENT, FILED),
    row("the right document under another's number", agrees(NEXT, version=2, content=V1), Refusal.WRONG_DOCUMENT,
        FILED, filed(ASSESSED, content=V2, at=NOON)),
    row("the version that was sent back", agrees(NEXT), Refusal.NO_EVIDENCE, *SENT_BACK),
    row("what was sent back, filed unchanged", filed(ASSESSED, at=AFTER), Refusal.ALREADY_DECIDED, *SENT_BACK),
    row("a new version of what was sent back", filed(ASSESSED, content=V2, at=AFTER), OK, *SENT_BACK),
    row("everybody is heard anew about it", approves("02-11 12:00", version=2), Refusal.NOT_YOUR_TURN, *SENT_BACK,
        filed(ASSESSED, content=V2, at=AFTER)),
    row("a new version of what was closed", filed(ASSESSED, content=V2, at=AFTER), OK, *CLOSED),
    row("what was closed, filed unchanged", filed(ASSESSED, at=AFTER), Refusal.ALREADY_DECIDED, *CLOSED),
    row("an approval of what was closed before", approves("02-11 12:00"), Refusal.STALE_VERSION, *CLOSED,
        filed(ASSESSED, content=V2, at=AFTER)),
    row("the new version of what was closed", agrees("02-11 12:00", version=2), OK, *CLOSED,
        filed(ASSESSED, content=V2, at=AFTER)),
    row("a step whose basis has changed", agrees(AFTER), Refusal.STALE_VERSION, *BASIS_CHANGED),
    row("the same document still holds on the new basis", filed(ASSESSED, at=AFTER), OK, *BASIS_CHANGED),
    row("and is then another version", agrees("02-11 12:00", version=2, content=V1), OK, *BASIS_CHANGED,
        filed(ASSESSED, at=AFTER)),
    row("back to the stage of a closed step", says(ASSESSED, MANAGER, M, CHANGES, at=NEXT, back_to=Stage.MAP), OK,
        *MAPPED_FIRST, *HEARD),
    row("back to its own stage", says(ASSESSED, MANAGER, M, CHANGES, at=NEXT, back_to=Stage.ASSESS), OK, *HEARD),
    row("back to a step that is not closed", says(ASSESSED, MANAGER, M, CHANGES, at=NEXT, back_to=Stage.MAP),
        Refusal.WRONG_STAGE, *HEARD),
    row("back to a stage it does not build on", says(ASSESSED, MANAGER, M, CHANGES, at=NEXT, back_to=Stage.ACT),
        Refusal.WRONG_STAGE, *MAPPED_FIRST, *HEARD),
    row("a rejection sends nothing to a stage", says(ASSESSED, MANAGER, M, REJECTED, at=NEXT, back_to=Stage.MAP),
        Refusal.WRONG_STAGE, *MAPPED_FIRST, *HEARD),
)  # fmt: skip

ORDER = (
    row("the manager before the representative is heard", approves(), Refusal.NOT_YOUR_TURN, FILED),
    row("the committee before the top manager", treats(None), Refusal.NOT_YOUR_TURN, *PLAN_HEARD),
    row("the committee last", treats(None), OK, *PLAN_APPROVED),
    row("nobody is elected, and the record says so", approves(), OK, FILED, employer="nobody is elected"),
    row("the representative twice", says(ASSESSED, REP, R, DISAGREES, at=NEXT), Refusal.ALREADY_DECIDED, *HEARD),
    row("the first of two unions", says(MET, UNION_A, U, AGREED), OK, filed(MET)),
    row("the same union twice", says(MET, UNION_A, U, AGREED, at=NEXT), Refusal.ALREADY_DECIDED, *ONE_UNION),
    row("the second of two unions", says(MET, UNION_C, U, DISAGREES, at=NEXT), OK, *ONE_UNION),
    row("a third union when two were asked for", says(MET, UNION_C, U, AGREED, at=NEXT), Refusal.ALREADY_DECIDED,
        *TWO_UNIONS),
    row("half a quorum opens no turn", says(MET, MANAGER, M, APPROVED, at=NEXT), Refusal.NOT_YOUR_TURN, *ONE_UNION),
    row("a whole quorum does", says(MET, MANAGER, M, APPROVED, at=NEXT), OK, *TWO_UNIONS),
    row("whoever acts for two unions counts once", says(MET, STAND_IN, U, AGREED, at=NEXT), Refusal.ALREADY_DECIDED,
        is_away(UNION_A, "2027-02-01", "2027-03-01", STAND_IN), is_away(UNION_B, "2027-02-01", "2027-03-01", STAND_IN),
        filed(MET), says(MET, STAND_IN, U, AGREED)),
    row("nor for the other by name", says(MET, STAND_IN, U, AGREED, at=NEXT, on_behalf_of=UNION_B),
        Refusal.ALREADY_DECIDED,
        is_away(UNION_A, "2027-02-01", "2027-03-01", STAND_IN), is_away(UNION_B, "2027-02-01", "2027-03-01", STAND_IN),
        filed(MET), says(MET, STAND_IN, U, AGREED, on_behalf_of=UNION_A)),
    row("the third union makes the quorum with the stand-in of two", says(MET, UNION_C, U, AGREED, at=NEXT), OK,
        is_away(UNION_A, "2027-02-01", "2027-03-01", STAND_IN), is_away(UNION_B, "2027-02-01", "2027-03-01", STAND_IN),
        filed(MET), says(MET, STAND_IN, U, AGREED)),
)  # fmt: skip

TWO_PEOPLE = (
    row("four eyes: another's document", says(PLANNED, TOP, T, APPROVED, at=NEXT), OK, *PLAN_HEARD),
    row("four eyes: one's own document", says(OWN, TOP, T, APPROVED, at=NEXT), Refusal.OWN_DOCUMENT, filed(OWN, TOP)),
    row("it goes up to the board", says(OWN, BOARD, T, APPROVED, at=NEXT), OK, filed(OWN, TOP)),
    row("where there is no board it stays undecided", says(OWN, TOP, T, APPROVED, at=NEXT), Refusal.OWN_DOCUMENT,
        filed(OWN, TOP), employer="no board"),
    row("the board decides nothing that is not its own author's", says(OWN, BOARD, T, APPROVED, at=NEXT),
        Refusal.NOT_ELIGIBLE, filed(OWN, HR)),
    row("four eyes: the author's stand-in", says(OWN, STAND_IN, T, APPROVED, at=NEXT), Refusal.OWN_DOCUMENT,
        is_away(TOP, "2027-02-03", "2027-03-01", STAND_IN), filed(OWN, TOP)),
    row("four eyes: what one's stand-in filed", says(OWN, TOP, T, APPROVED, at=NEXT), Refusal.OWN_DOCUMENT,
        is_away(TOP, "2027-02-01", "2027-02-03", STAND_IN), filed(OWN, STAND_IN)),
    row("without four eyes the owner approves its own", approves(), OK, *HEARD),
    row("the top manager who is HR has filed it", says(PLANNED, TOP, T, APPROVED, at=NEXT), Refusal.OWN_DOCUMENT,
        filed(PLANNED, TOP), says(PLANNED, REP, S, AGREED), employer="the top manager is HR"),
    row("whoever leads the author decides", says(BY_TWO, TOP, H, APPROVED), OK, filed(BY_TWO, HR)),
    row("and not in another role too", says(BY_TWO, TOP, T, APPROVED, at=NEXT), Refusal.TWO_ROLES,
        filed(BY_TWO, HR), says(BY_TWO, TOP, H, APPROVED)),
    row("but the board in that one", says(BY_TWO, BOARD, T, APPROVED, at=NEXT), OK,
        filed(BY_TWO, HR), says(BY_TWO, TOP, H, APPROVED)),
    row("who was heard does not approve too", says(MET, MANAGER, M, APPROVED, at="02-21 12:00"), Refusal.TWO_ROLES,
        filed(MET), says(MET, MANAGER, U, AGREED), says(MET, MANAGER, U, SILENT, at="02-20 10:00"),
        employer="the manager speaks for a union"),
    row("whoever leads them does", says(MET, TOP, M, APPROVED, at="02-21 12:00"), OK,
        filed(MET), says(MET, MANAGER, U, AGREED), says(MET, MANAGER, U, SILENT, at="02-20 10:00"),
        employer="the manager speaks for a union"),
)  # fmt: skip

SILENCE = (
    row("silence while there is time", silence(NEXT), Refusal.OPPORTUNITY_NOT_GIVEN, FILED),
    row("silence in the last second of the fourteenth day", silence("02-16 23:59:59"), Refusal.OPPORTUNITY_NOT_GIVEN,
        FILED),
    row("silence when the fourteenth day is over", silence("02-17 00:00:00"), OK, FILED),
    row("an answer in the last second", agrees("02-16 23:59:59"), OK, FILED),
    row("an answer after it, before silence is stated", agrees("02-20 12:00"), OK, FILED),
    row("an answer after silence is stated", agrees("02-20 12:00"), Refusal.ALREADY_DECIDED, FILED,
        silence("02-17 12:00")),
    row("silence after an answer", silence("02-20 12:00"), Refusal.ALREADY_DECIDED, *HEARD),
    row("silence without a word of why", silence("02-20 12:00", comment=None), Refusal.COMMENT_REQUIRED, FILED),
    row("silence stated by the silent", silence("02-20 12:00", REP), Refusal.NOT_ELIGIBLE, FILED),
    row("silence stated by HR", silence("02-20 12:00", HR), Refusal.NOT_ELIGIBLE, FILED),
    row("silence about an approval", says(ASSESSED, MANAGER, M, SILENT, at="02-25 12:00"), Refusal.WRONG_OUTCOME,
        *HEARD),
    row("silence about a question that was never asked", says(MET, MANAGER, M, SILENT, at="03-25 12:00"),
        Refusal.WRONG_OUTCOME, filed(MET)),
    row("a deputy who came late has as long", silence("02-20 12:00"), Refusal.OPPORTUNITY_NOT_GIVEN,
        is_away(REP, "2027-02-10", "2027-04-01"), FILED),
    row("and no longer", silence("02-25 12:00"), OK, is_away(REP, "2027-02-10", "2027-04-01"), FILED),
    row("a quorum that lacks one is filled by silence", says(MET, MANAGER, U, SILENT, at="02-17 12:00"), OK,
        *ONE_UNION),
)  # fmt: skip

FEBRUARY = ("2027-02-01", "2027-03-01")
INSTEAD = (
    row("the stand-in of an absent manager", approves(who=STAND_IN), OK, is_away(MANAGER, *FEBRUARY, STAND_IN), *HEARD),
    row("the absent manager in person", approves(), OK, is_away(MANAGER, *FEBRUARY, STAND_IN), *HEARD),
    row("the stand-in the day before", approves("02-04 23:59:59", STAND_IN), Refusal.NOT_ELIGIBLE,
        is_away(MANAGER, "2027-02-05", "2027-03-01", STAND_IN), *HEARD),
    row("the stand-in on the first day", approves("02-05 00:00:00", STAND_IN), OK,
        is_away(MANAGER, "2027-02-05", "2027-03-01", STAND_IN), *HEARD),
    row("the stand-in after the last day", approves("03-01 00:00:00", STAND_IN), Refusal.NOT_ELIGIBLE,
        is_away(MANAGER, *FEBRUARY, STAND_IN), *HEARD),
    row("not both of them", approves("02-05 12:00"), Refusal.CLOSED, is_away(MANAGER, *FEBRUARY, STAND_IN), *HEARD,
        approves(who=STAND_IN)),
    row("for the one by name", approves(who=STAND_IN, on_behalf_of=MANAGER), OK,
        is_away(MANAGER, *FEBRUARY, STAND_IN), *HEARD),
    row("for another by name", approves(who=STAND_IN, on_behalf_of=TOP), Refusal.NOT_ELIGIBLE,
        is_away(MANAGER, *FEBRUARY, STAND_IN), *HEARD),
    row("for somebody, without being anybody's stand-in", approves(on_behalf_of=TOP), Refusal.NOT_ELIGIBLE, *HEARD),
    row("the stand-in files", filed(ASSESSED, STAND_IN), OK, is_away(MANAGER, *FEBRUARY, STAND_IN)),
    row("the deputy of an absent representative", agrees(who=DEPUTY), OK, is_away(REP, *FEBRUARY), FILED),
    row("the deputy while the representative is there", agrees(who=DEPUTY), Refusal.NOT_ELIGIBLE, FILED),
    row("the absent representative in person", agrees(), OK, is_away(REP, *FEBRUARY), FILED),
    row("HR says that the representative is away", is_away(REP, *FEBRUARY, who=HR, at=NOON), Refusal.NOT_DELEGABLE),
    row("the manager hands everything on", approves(who=STAND_IN), OK, hands_on(MANAGER, STAND_IN, *FEBRUARY), *HEARD),
    row("and may still decide", approves(), OK, hands_on(MANAGER, STAND_IN, *FEBRUARY), *HEARD),
    row("handed on in this step", approves(who=STAND_IN), OK, hands_on(MANAGER, STAND_IN, *FEBRUARY, step=ASSESSED),
        *HEARD),
    row("handed on in another step", approves(who=STAND_IN), Refusal.NOT_ELIGIBLE,
        hands_on(MANAGER, STAND_IN, *FEBRUARY, step=MET), *HEARD),
    row("handed on in this role", approves(who=STAND_IN), OK, hands_on(MANAGER, STAND_IN, *FEBRUARY, role=M), *HEARD),
    row("handed on in this unit", approves(who=STAND_IN), OK, hands_on(MANAGER, STAND_IN, *FEBRUARY, unit="u1"),
        *HEARD),
    row("handed on in another unit", approves(who=STAND_IN), Refusal.NOT_ELIGIBLE,
        hands_on(MANAGER, STAND_IN, *FEBRUARY, unit="u2"), *HEARD),
    row("handed on for another month", approves(who=STAND_IN), Refusal.NOT_ELIGIBLE,
        hands_on(MANAGER, STAND_IN, "2027-03-01", "2027-04-01"), *HEARD),
    row("handed on and taken back", approves("02-06 12:00", STAND_IN), Refusal.NOT_ELIGIBLE,
        hands_on(MANAGER, STAND_IN, *FEBRUARY), *HEARD,
        ends_delegation(MANAGER, "2027-02-05", "02-04 10:00")),
    row("handed on to one who is away and has a stand-in", approves(who=WORKER), OK,
        hands_on(MANAGER, STAND_IN, *FEBRUARY), is_away(STAND_IN, *FEBRUARY, WORKER), *HEARD),
    row("a representative hands nothing on", hands_on(REP, STAND_IN, *FEBRUARY, role=R), Refusal.NOT_DELEGABLE),
    row("a manager hands nothing on to the representative", hands_on(MANAGER, REP, *FEBRUARY), Refusal.TWO_ROLES),
    row("nobody hands on another's task", hands_on(MANAGER, STAND_IN, *FEBRUARY, person=TOP), Refusal.NOT_ELIGIBLE),
    row("what comes back to where it began", hands_on(STAND_IN, MANAGER, *FEBRUARY), Refusal.LOOP,
        hands_on(MANAGER, STAND_IN, *FEBRUARY)),
    row("a task of the past", hands_on(MANAGER, STAND_IN, "2026-01-01", "2026-02-01"), Refusal.WRONG_DATES),
)  # fmt: skip

COMMITTEE = (
    row("with one voice", treats(Votes(majority=(CHAIR, MEMBER, OTHER_MEMBER))), OK, *PLAN_APPROVED),
    row("with a minority and what it wants put on record",
        treats(Votes(majority=(CHAIR, MEMBER), minority=(OTHER_MEMBER,), position=V2)), OK, *PLAN_APPROVED),
    row("with a minority whose position is missing", treats(Votes(majority=(CHAIR,), minority=(MEMBER,))),
        Refusal.WRONG_VOTES, *PLAN_APPROVED),
    row("with a position and no minority", treats(Votes(majority=(CHAIR,), position=V2)), Refusal.WRONG_VOTES,
        *PLAN_APPROVED),
    row("with the vote of one who is no member", treats(Votes(majority=(CHAIR, WORKER))), Refusal.WRONG_VOTES,
        *PLAN_APPROVED),
    row("with one vote on both sides", treats(Votes(majority=(CHAIR,), minority=(CHAIR,), position=V2)),
        Refusal.WRONG_VOTES, *PLAN_APPROVED),
    row("with a minority that is the larger",
        treats(Votes(majority=(CHAIR,), minority=(MEMBER, OTHER_MEMBER), position=V2)), Refusal.WRONG_VOTES,
        *PLAN_APPROVED),
    row("with as many on each side, as the chair decides",
        treats(Votes(majority=(CHAIR,), minority=(MEMBER,), position=V2)), OK, *PLAN_APPROVED),
    row("a vote where one person is heard", agrees(votes=Votes(majority=(CHAIR,))), Refusal.WRONG_VOTES, FILED),
    row("a member in the chair's place", treats(None, who=MEMBER), Refusal.NOT_ELIGIBLE, *PLAN_APPROVED),
)  # fmt: skip

ANSWERED = (
    row("the manager answers the disagreement", answers(ASSESSED, MANAGER), OK, *DISAGREED),
    row("also when the gate was passed meanwhile", answers(ASSESSED, MANAGER, at=AFTER), OK, *DISAGREED, approves()),
    row("HR is not asked for it", answers(ASSESSED, HR), Refusal.NOT_ELIGIBLE, *DISAGREED),
    row("nor whoever disagrees", answers(ASSESSED, REP), Refusal.NOT_ELIGIBLE, *DISAGREED),
    row("nothing is to be answered", answers(ASSESSED, MANAGER), Refusal.NOTHING_TO_ANSWER, *HEARD),
    row("a version nobody disagrees with", answers(ASSESSED, MANAGER, 2), Refusal.NOTHING_TO_ANSWER, *DISAGREED),
    row("the same answer twice", answers(ASSESSED, MANAGER, at=AFTER), Refusal.ALREADY_DECIDED, *DISAGREED,
        answers(ASSESSED, MANAGER)),
    row("an answer that gives no reason", answers(ASSESSED, MANAGER, comment=None), Refusal.COMMENT_REQUIRED,
        *DISAGREED),
    row("a stand-in answers", answers(ASSESSED, STAND_IN), OK, is_away(MANAGER, *FEBRUARY, STAND_IN), *DISAGREED),
    row("the manager answers where the owner is elected", answers(ELECTED, MANAGER), OK, filed(ELECTED, REP),
        says(ELECTED, REP, R, DISAGREES)),
    row("nobody answers their own disagreement", answers(MET, MANAGER), Refusal.TWO_ROLES, filed(MET),
        says(MET, MANAGER, U, DISAGREES), employer="the manager speaks for a union"),
    row("whoever leads them answers", answers(MET, TOP), OK, filed(MET), says(MET, MANAGER, U, DISAGREES),
        employer="the manager speaks for a union"),
    row("long after it was due", answers(ASSESSED, MANAGER, at="06-01 12:00"), OK, *DISAGREED),
)  # fmt: skip

DUE = (
    row("the owner moves the due date", moves(ASSESSED, MANAGER, "2027-03-10"), OK, FILED),
    row("HR moves it", moves(ASSESSED, HR, "2027-03-10"), OK),
    row("whoever leads the owner moves it", moves(ASSESSED, TOP, "2027-03-10"), OK),
    row("the absent owner moves it in person", moves(ASSESSED, MANAGER, "2027-03-10"), OK,
        is_away(MANAGER, *FEBRUARY, STAND_IN)),
    row("the stand-in moves it", moves(ASSESSED, STAND_IN, "2027-03-10"), OK, is_away(MANAGER, *FEBRUARY, STAND_IN)),
    row("the representative does not", moves(ASSESSED, REP, "2027-03-10"), Refusal.NOT_ELIGIBLE),
    row("earlier, but not into the past", moves(ASSESSED, MANAGER, "2027-02-04"), OK),
    row("into the past", moves(ASSESSED, MANAGER, "2027-02-03"), Refusal.WRONG_DATES),
    row("to where it is", moves(ASSESSED, MANAGER, "2027-02-26"), Refusal.WRONG_DATES),
    row("to the day before the year is closed", moves(ASSESSED, MANAGER, "2028-01-30"), OK),
    row("to the day the year is closed", moves(ASSESSED, MANAGER, "2028-01-31"), Refusal.WRONG_DATES),
    row("without a word of why", moves(ASSESSED, MANAGER, "2027-03-10", comment=None), Refusal.COMMENT_REQUIRED),
    row("in a step that is closed", moves(ASSESSED, MANAGER, "2027-03-10", at=AFTER), Refusal.CLOSED, *CLOSED),
    row("in a step that is not open yet", moves(LATER, MANAGER, "2027-07-10"), Refusal.NOT_YET),
    row("in a step that was left open", moves(ASSESSED, MANAGER, "2028-03-10", at="2028-01-31 08:00:01"),
        Refusal.TOO_LATE),
)  # fmt: skip

ROWS: tuple[Row, ...] = (
    *PLAIN, *WHO, *WHEN, *VERSION, *ORDER, *TWO_PEOPLE, *SILENCE, *INSTEAD, *COMMITTEE, *ANSWERED, *DUE,
)  # fmt: skip
