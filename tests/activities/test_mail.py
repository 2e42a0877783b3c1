"""Letters become messages that a person, a screen reader and a mail server can all make sense of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from activities.mail import EmlFolder, Letter, MailError, Section, Smtp, as_html, as_message, as_text, usable
from worker.processes import free_port

LETTER = Letter(
    key="unit/nordfjord/sagbruk/2027/Y15#asked consult safety_rep v1|per",
    thread="unit/nordfjord/sagbruk/2027 Y15",
    sender="Forsvarlig <hms@nordfjord.example>",
    name="Per Hansen",
    address="per@nordfjord.example",
    language="nb",
    date=datetime(2027, 5, 12, 6, tzinfo=UTC),
    subject="Risikovurdering psykososialt – Sagbruk: si din mening innen 20. mai",
    greeting="Hei Per Hansen!",
    sections=(
        Section(text=("Du blir rådspurt. " * 8,)),
        Section(heading="Slik svarer du", commands=(("Enig", "forsvarlig decide " + "x" * 90),)),
        Section(heading="Hvorfor", items=("Loven krever det. " * 8, "<Det> & mer")),
    ),
    marks=(
        ("X-Forsvarlig-Seq", "42"),
        ("X-Forsvarlig-Cycle", "unit/nordfjord/sagbruk/2027"),
        ("X-Forsvarlig-Step", "Y15"),
        ("X-Forsvarlig-Person", "per"),
    ),
)


def but(**changes: Any) -> EmailMessage:
    return as_message(LETTER.model_copy(update=changes))


# --- the message ------------------------------------------------------------------------------------


def test_the_headers_say_who_what_when_and_that_no_person_wrote_it() -> None:
    message = as_message(LETTER)
    assert str(message["From"]) == "Forsvarlig <hms@nordfjord.example>"
    assert str(message["To"]) == "Per Hansen <per@nordfjord.example>"
    assert str(message["Subject"]) == LETTER.subject
    assert str(message["Date"]) == "Wed, 12 May 2027 08:00:00 +0200"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "nb"


def test_a_letter_that_is_sent_again_is_the_same_message_to_the_byte() -> None:
    assert as_message(LETTER).as_bytes() == as_message(LETTER).as_bytes()
    assert as_message(LETTER)["Message-ID"] != but(key="another")["Message-ID"]


def test_the_message_id_tells_nothing_about_the_person() -> None:
    local, _, host = str(as_message(LETTER)["Message-ID"]).strip("<>").partition("@")
    assert host == "nordfjord.example"
    assert set(local) <= set("0123456789abcdef")


def test_letters_about_one_matter_hang_together_and_others_do_not() -> None:
    asked, reminded, other = as_message(LETTER), but(key="reminded"), but(key="x", thread="Y16")
    assert asked["References"] == reminded["References"] == asked["In-Reply-To"]
    assert asked["References"] != other["References"]


def test_text_is_wrapped_but_a_command_stays_on_its_line() -> None:
    lines = as_text(LETTER).splitlines()
    assert max(len(line) for line in lines if "forsvarlig decide" not in line) <= 78
    assert "  forsvarlig decide " + "x" * 90 in lines
    assert "SLIK SVARER DU" in lines


class Outline(HTMLParser):
    """Tags in order, and whether each is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.lang: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.lang = dict(attrs)["lang"]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_has_language_title_headings_and_lists_and_is_closed() -> None:
    outline = Outline()
    outline.feed(as_html(LETTER))
    assert outline.open == []
    assert outline.lang == "nb"
    assert [outline.tags.count(tag) for tag in ("title", "h2", "ul", "li", "code")] == [1, 2, 1, 2, 1]


def test_html_says_the_same_as_the_text_and_takes_no_markup_from_people() -> None:
    outline = Outline()
    outline.feed(as_html(LETTER.model_copy(update={"greeting": "Hei <script>alert(1)</script>!"})))
    assert "script" not in outline.tags
    assert "<Det> & mer" in outline.text
    assert "forsvarlig decide" in outline.text


@pytest.mark.parametrize(
    "name", ["Per\r\nBcc: alle@nordfjord.example", "Per\nHansen", 'Per "Sjefen" Hansen', "Åse Ødegård"]
)
def test_a_name_cannot_add_a_header_or_a_receiver(name: str) -> None:
    message = message_from_bytes(but(name=name, subject=f"Til {name}").as_bytes(), policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    assert message["Bcc"] is None
    [address] = message["To"].addresses
    assert address.addr_spec == "per@nordfjord.example"
    assert address.display_name == " ".join(name.split())


@pytest.mark.parametrize(
    "address", ["per@nordfjord.example", "p.h+hms@sub.nordfjord.example", "per@blåbær.example"]
)
def test_an_address_that_mail_servers_know_is_usable(address: str) -> None:
    assert usable(address)
    assert but(address=address)["To"].addresses[0].domain.isascii()


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "per",
        "per@",
        "@nordfjord.example",
        "per@nordfjord.example, kari@x.example",
        "per hansen@x.example",
        "per@x.example\nBcc: kari@x.example",
        "<per@x.example>",
        "per@x..example",
        f"per@{'x' * 70}.example",
    ],
)
def test_an_address_that_is_none_is_not_usable(address: str | None) -> None:
    assert not usable(address)


# --- .eml files -------------------------------------------------------------------------------------


async def test_each_message_is_a_file_named_by_day_fact_step_and_person(tmp_path: Path) -> None:
    await EmlFolder(tmp_path / "mail").send(as_message(LETTER))
    [file] = (tmp_path / "mail").iterdir()
    assert file.name == "2027-05-12_000042_Y15_per.eml"
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == as_text(LETTER)


async def test_a_message_that_is_sent_again_is_still_one_file(tmp_path: Path) -> None:
    folder = EmlFolder(tmp_path)
    for _ in range(3):
        await folder.send(as_message(LETTER))
    assert len(list(tmp_path.iterdir())) == 1


async def test_another_employers_message_with_the_same_name_overwrites_nothing(tmp_path: Path) -> None:
    folder = EmlFolder(tmp_path)
    for _ in range(2):
        await folder.send(as_message(LETTER))
        await folder.send(but(key="unit/fjell/sagbruk/2027/Y15#asked consult safety_rep v1|per"))
    assert len(list(tmp_path.iterdir())) == 2


async def test_a_mark_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    marks = (("X-Forsvarlig-Seq", "1"), ("X-Forsvarlig-Step", "../../Y15"), ("X-Forsvarlig-Person", "a/b"))
    await EmlFolder(tmp_path / "mail").send(but(marks=marks))
    assert [p.name for p in (tmp_path / "mail").iterdir()] == ["2027-05-12_000001_..-..-Y15_a-b.eml"]


async def test_a_folder_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file stands where the folder should be")
    with pytest.raises(MailError, match="cannot be written") as caught:
        await EmlFolder(tmp_path / "mail").send(as_message(LETTER))
    assert caught.value.transient


# --- SMTP -------------------------------------------------------------------------------------------


class Sink:
    """A mail server that keeps what it takes, and answers a recipient or a message as it is told."""

    def __init__(self, recipient: str = "250 OK", message: str = "250 OK") -> None:
        self.recipient, self.message = recipient, message
        self.taken: list[bytes] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.message.startswith("250"):
            self.taken.append(envelope.original_content)
        return self.message


@contextmanager
def serving(sink: Sink) -> Iterator[Smtp]:
    port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield Smtp("127.0.0.1", port, starttls=False, timeout=5)
    finally:
        controller.stop()


async def test_a_mail_server_gets_the_message_as_it_was_written() -> None:
    sink = Sink()
    with serving(sink) as smtp:
        await smtp.send(as_message(LETTER))
    [raw] = sink.taken
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Message-ID"] == as_message(LETTER)["Message-ID"]
    assert message["Subject"] == LETTER.subject
    body = message.get_body(("plain",))
    assert body is not None
    assert "Du blir rådspurt." in body.get_content()


@pytest.mark.parametrize(
    ("sink", "transient"),
    [
        (Sink(recipient="550 5.1.1 per@nordfjord.example is unknown"), False),
        (Sink(recipient="450 4.2.1 per@nordfjord.example is busy"), True),
        (Sink(message="554 5.7.1 this is spam, Per Hansen"), False),
        (Sink(message="451 4.3.0 later"), True),
    ],
)
async def test_a_refusal_for_good_is_told_from_one_for_now_and_names_nobody(
    sink: Sink, transient: bool
) -> None:
    with serving(sink) as smtp, pytest.raises(MailError) as caught:
        await smtp.send(as_message(LETTER))
    assert caught.value.transient is transient
    assert "per" not in str(caught.value).lower()
    assert sink.taken == []


async def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(MailError) as caught:
        await Smtp("127.0.0.1", free_port(), timeout=2).send(as_message(LETTER))
    assert caught.value.transient


async def test_nothing_is_sent_in_the_clear_when_encryption_is_asked_for() -> None:
    sink = Sink()
    with serving(sink) as smtp:
        secure = Smtp("127.0.0.1", smtp._port, starttls=True, timeout=5)
        with pytest.raises(MailError) as caught:
            await secure.send(as_message(LETTER))
    assert caught.value.transient
    assert sink.taken == []


async def test_a_server_that_wants_another_login_is_no_fault_of_the_message() -> None:
    sink = Sink()
    with serving(sink) as smtp, pytest.raises(MailError) as caught:
        await Smtp("127.0.0.1", smtp._port, starttls=False, user="hms", password="hemmelig", timeout=5).send(
            as_message(LETTER)
        )
    assert caught.value.transient
    assert "hemmelig" not in str(caught.value)
