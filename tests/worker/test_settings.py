"""Settings: where a value comes from, and what is said about a bad one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from activities.language import speaking
from worker.settings import (
    Settings,
    SettingsError,
    effective,
    load,
    masked_url,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("FORSVARLIG_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def origin(settings: Settings, name: str) -> str:
    with speaking("nb"):
        return next(each.origin for each in effective(settings) if each.name == name)


def problem(config: Path | None = None) -> tuple[str, str]:
    with speaking("nb"), pytest.raises(SettingsError) as caught:
        load(config=config)
    return caught.value.problem, caught.value.remedy


def test_without_anything_said_everything_lies_under_the_xdg_directories(tmp_path: Path) -> None:
    settings = load()
    assert settings.state == tmp_path / "state" / "forsvarlig"
    assert settings.database_url == f"sqlite:///{settings.state}/forsvarlig.db"
    assert settings.documents == settings.state / "documents"
    assert settings.mail.host is None
    assert origin(settings, "state") == "standard"


def test_a_relative_xdg_directory_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "here")
    assert load().state == tmp_path / ".local/state/forsvarlig"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "config/forsvarlig/forsvarlig.toml",
        'state = "/file"\ntask_queue = "file"\nlang = "nn"\n[mail]\nhost = "post.example"\nport = 25\n',
    )
    monkeypatch.setenv("FORSVARLIG_STATE", "/environment")
    monkeypatch.setenv("FORSVARLIG_TASK_QUEUE", "environment")
    monkeypatch.setenv("FORSVARLIG_MAIL_PORT", "2525")
    settings = load(state=Path("/option"))
    assert (settings.state, settings.task_queue, settings.lang) == (Path("/option"), "environment", "nn")
    assert (settings.mail.host, settings.mail.port) == ("post.example", 2525)
    assert origin(settings, "state") == "--state"
    assert origin(settings, "task_queue") == "FORSVARLIG_TASK_QUEUE"
    assert origin(settings, "mail.port") == "FORSVARLIG_MAIL_PORT"
    assert origin(settings, "mail.host") == str(file)


def test_a_path_in_the_file_is_relative_to_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "etc/forsvarlig.toml", 'state = "var"\n[engine]\nbinary = "../bin/temporal"\n')
    settings = load(config=file)
    assert settings.state == tmp_path / "etc/var"
    assert settings.engine.binary == tmp_path / "etc/../bin/temporal"


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_TASK_QUEUE", "")
    assert load().task_queue == "forsvarlig"


def test_settings_made_directly_do_not_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORSVARLIG_TASK_QUEUE", "environment")
    assert Settings(state=tmp_path).task_queue == "forsvarlig"


def test_no_is_bokmal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_LANG", "no")
    assert load().lang == "nb"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FORSVARLIG_ENGINE_PORT", "abc", "FORSVARLIG_ENGINE_PORT «abc» må være et heltall."),
        ("FORSVARLIG_MAIL_PORT", "70000", "FORSVARLIG_MAIL_PORT «70000» kan ikke være større enn 65535."),
        (
            "FORSVARLIG_MAIL_STARTTLS",
            "perhaps",
            "FORSVARLIG_MAIL_STARTTLS «perhaps» må være true eller false.",
        ),
        ("FORSVARLIG_LANG", "sv", "FORSVARLIG_LANG «sv» må være en av 'nb', 'nn' eller 'en'."),
        (
            "FORSVARLIG_LOG_LEVEL",
            "loud",
            "FORSVARLIG_LOG_LEVEL «loud» må være en av 'debug', 'info', 'warning' eller 'error'.",
        ),
        (
            "FORSVARLIG_DATABASE_URL",
            "mysql://u:hemmelig@h/d",
            "FORSVARLIG_DATABASE_URL må begynne med sqlite:/// eller postgresql://.",
        ),
        ("FORSVARLIG_MAIL_USER", "ola", "FORSVARLIG_MAIL_* må ha både user og password, eller ingen av dem."),
    ],
)
def test_a_bad_variable_is_named_with_its_problem(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert problem()[0] == said


def test_a_section_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_MAIL", "{x")
    assert problem() == (
        "FORSVARLIG_MAIL er ikke gyldig JSON.",
        "Fjern FORSVARLIG_MAIL, og sett én variabel for hver verdi i stedet.",
    )


def test_a_bad_value_in_the_file_is_named_with_key_and_file(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", '[engine]\nport = "abc"\n')
    assert problem(file) == (
        f"engine.port ({file}) «abc» må være et heltall.",
        f"Rett engine.port ({file}), og prøv igjen.",
    )


def test_a_misspelt_key_in_the_file_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", 'taskqueue = "x"\n[mail]\nhots = "y"\n')
    said, _remedy = problem(file)
    assert f"taskqueue ({file}) er ikke en innstilling" in said
    assert f"mail.hots ({file}) er ikke en innstilling" in said


def test_a_value_where_a_section_is_expected_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", "engine = 7233\n")
    assert problem(file)[0] == f"engine ({file}) «7233» må være en seksjon med egne verdier."


def test_a_file_that_is_not_toml_is_named_with_the_line(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", 'state = "/x"\nlang = nn\n')
    said, remedy = problem(file)
    assert str(file) in said
    assert "linje 2" in said
    assert "anførselstegn" in remedy


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes('state = "/året"'.encode("latin-1"))
    assert str(file) in problem(file)[0]


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b'\xef\xbb\xbftask_queue = "q"')
    assert load(config=file).task_queue == "q"


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    assert problem(tmp_path / "none.toml") == (
        f"Innstillingsfilen {tmp_path / 'none.toml'} finnes ikke.",
        "Rett --config eller FORSVARLIG_CONFIG, eller lag filen.",
    )


def test_a_directory_is_no_settings_file(tmp_path: Path) -> None:
    assert f"{tmp_path} kan ikke leses" in problem(tmp_path)[0]


def test_secrets_are_masked_in_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_DATABASE_URL", "postgresql://hms:hem@melig@db/hms")
    monkeypatch.setenv("FORSVARLIG_MAIL_USER", "ola")
    monkeypatch.setenv("FORSVARLIG_MAIL_PASSWORD", "hemmelig")
    settings = load()
    shown = {each.name: each.value for each in effective(settings)}
    assert "melig" not in json.dumps(shown) + repr(settings.mail)
    assert shown["mail.password"] == "********"
    assert shown["database_url"] == "postgresql+psycopg://hms:********@db/hms"


def test_a_bad_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", '[mail]\nuser = "ola"\npassword = 4711\n')
    assert "4711" not in "".join(problem(file))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ("postgresql+psycopg://u@h:5432/d", "postgresql+psycopg://u@h:5432/d"),
        ("postgresql+psycopg://u:p:q@h:5432/d", "postgresql+psycopg://u:********@h:5432/d"),
        ("postgresql+psycopg://u:a/b@h/d", "postgresql+psycopg://u:********@h/d"),
        ("postgresql+psycopg:///d?host=/s&password=pw", "postgresql+psycopg:///d?host=/s&password=********"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_a_variable_that_no_setting_has_is_found_but_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("FORSVARLIG_MAIL_HOST", "post.example")
    monkeypatch.setenv("FORSVARLIG_LOG_JSON", "true")
    monkeypatch.setenv("FORSVARLIG_CONFIG", "")
    load()
    assert unknown_variables(os.environ) == ["FORSVARLIG_PORT"]


def test_the_state_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    made = Settings(state=tmp_path / "a/b").make_state()
    assert made.stat().st_mode & 0o077 == 0


def test_the_log_key_is_a_setting_of_its_own_and_no_part_of_the_log_section(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORSVARLIG_LOG_KEY", str(tmp_path / "log.pem"))
    assert load().log_key == tmp_path / "log.pem"
    monkeypatch.setenv("FORSVARLIG_LOG_LEVEL", "debug")
    settings = load()
    assert (settings.log_key, settings.log.level) == (tmp_path / "log.pem", "debug")
    assert origin(settings, "log_key") == "FORSVARLIG_LOG_KEY"


def test_the_log_key_lies_in_the_state_and_nothing_goes_outside_unless_it_is_said() -> None:
    settings = load()
    assert settings.log_key == settings.state / "keys" / "log.pem"
    assert (settings.anchor_directory, settings.timestamp_url) == (None, None)


@pytest.mark.parametrize("url", ["tsa.example", "ftp://tsa.example", "http://", "https://a b"])
def test_an_address_that_is_none_of_the_web_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("FORSVARLIG_TIMESTAMP_URL", url)
    assert "FORSVARLIG_TIMESTAMP_URL" in problem()[0]


def test_a_folder_for_anchors_in_the_file_is_relative_to_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "config/forsvarlig/forsvarlig.toml", 'anchor_directory = "ute"\n')
    assert load().anchor_directory == file.parent / "ute"
