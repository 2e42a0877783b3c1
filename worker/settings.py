"""What can be set, and where each value came from.

A value is taken from the command line, else from a `FORSVARLIG_*` environment variable, else from the
settings file, else it is the default. Which Temporal to speak to is set in Temporal's own way only, by
`TEMPORAL_*` and its profiles: `worker.connection`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as MalformedVariable

from activities.language import Language, _
from activities.phrases import said
from worker.locations import default_file, default_state
from worker.value_faults import problem_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PREFIX = "FORSVARLIG_"
MASK = "********"
_PATHS = (
    ("state",), ("documents",), ("histories",), ("payload_keys",), ("signing_key",), ("log_key",),
    ("anchor_directory",), ("engine", "binary"),
)  # fmt: skip
_URL_PASSWORD = re.compile(r"(://[^:/@]*:).*(@)|([?&]password=)[^&]*")


class SettingsError(Exception):
    """Settings that cannot be used: `problem` names the place and the value, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _async_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    scheme = {
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
    }.get(scheme, scheme)
    if not separator or scheme not in ("sqlite", "postgresql+psycopg"):
        raise ValueError(_("må begynne med sqlite:/// eller postgresql://"))
    return f"{scheme}://{rest}"


def _web_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise ValueError(_("må begynne med http:// eller https://"))
    return url


def _bokmal(lang: object) -> object:
    return "nb" if lang == "no" else lang


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MailSettings(_Section):
    """Where e-mail goes. Without a host, each message becomes an `.eml` file in the state directory."""

    host: str | None = None
    port: Port = 587
    starttls: bool = True
    user: str | None = None
    password: SecretStr | None = None
    sender: str = "forsvarlig@localhost"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError(_("må ha både user og password, eller ingen av dem"))
        return self


class EngineSettings(_Section):
    """The embedded Temporal server of `forsvarlig up`. Port 0 takes any free one."""

    binary: AbsolutePath | None = None
    port: Port = 0
    ui_port: Port = 0


class LogSettings(_Section):
    """Log lines: from which level, and as JSON or for a person to read."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json_lines: bool = Field(default=False, alias="json")


class Settings(BaseSettings):
    """Every setting with its effective value; paths are absolute.

    Constructing it directly takes the given values and the defaults only. `load` reads the environment and
    the settings file too.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
    )

    state: AbsolutePath
    """Directory of everything that must survive a restart."""
    database_url: Annotated[str, AfterValidator(_async_url)]
    documents: AbsolutePath
    histories: AbsolutePath
    """Directory of the exported histories; workers of one database must share it."""
    payload_keys: AbsolutePath
    """Directory of the keys under which payloads are sealed; workers of one Temporal must share it."""
    signing_key: AbsolutePath
    """The installation's own key file, with which it signs for people whom it knows."""
    log_key: AbsolutePath
    """The key file with which checkpoints of the ledgers are signed; workers of one database must share it."""
    anchor_directory: AbsolutePath | None = None
    """Where workers put an anchor of each ledger once a day; best a disk that others than the database's own keep."""
    timestamp_url: Annotated[str, AfterValidator(_web_url)] | None = None
    """The time stamping authority (RFC 3161) that workers ask once a day, and `forsvarlig ledger timestamp` too."""
    lang: Annotated[Language | None, BeforeValidator(_bokmal)] = None
    task_queue: str = Field(default="forsvarlig", min_length=1)
    mail: MailSettings = MailSettings()
    engine: EngineSettings = EngineSettings()
    log: LogSettings = LogSettings()

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _beside_state(cls, values: dict[str, Any]) -> dict[str, Any]:
        state = values.get("state") or default_state()
        if not isinstance(state, str | Path):
            return values
        home = _absolute(Path(state))
        database = f"sqlite:///{home / 'forsvarlig.db'}"
        beside = {
            "documents": home / "documents",
            "histories": home / "histories",
            "payload_keys": home / "keys" / "payload",
            "signing_key": home / "keys" / "installation.pem",
            "log_key": home / "keys" / "log.pem",
        }
        return {"state": home, "database_url": database, **beside, **values}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the caller gives, so that a test's settings do not depend on its environment."""
        return (init_settings,)

    def make_state(self) -> Path:
        """Create the state directory if it is missing, for this user's eyes only, and return it."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.state

    @property
    def signed_heads(self) -> Path:
        """Directory of what the log key has signed on this machine; each machine has its own."""
        return self.state / "signed-heads"

    @property
    def mail_directory(self) -> Path:
        """Where `.eml` files are written when no mail server is set."""
        return self.state / "mail"

    @property
    def engine_database(self) -> Path:
        """The embedded Temporal server's database; `engine.json` lies beside it."""
        return self.state / "temporal.db"

    @property
    def log_file(self) -> Path:
        """Where unexpected errors are written in full."""
        return self.state / "forsvarlig.log"


class Effective(NamedTuple):
    """One setting as `forsvarlig config show` prints it: dotted name, value with secrets masked, origin."""

    name: str
    value: str | int | bool | None
    origin: str


def load(*, config: Path | None = None, state: Path | None = None, lang: str | None = None) -> Settings:
    """The effective settings. `config`, `state` and `lang` come from the command line.

    Raises `SettingsError` naming file or variable, the value (never a secret's) and the remedy.
    """
    file, content = _read_file(config)
    environment = EnvSettingsSource(Settings)
    try:
        from_environment = environment()
    except MalformedVariable as error:
        # It says: error parsing value for field "mail" from source "EnvSettingsSource".
        variable = _variable(str(error).split('"')[1])
        raise SettingsError(
            _("{variable} er ikke gyldig JSON.").format(variable=variable),
            _("Fjern {variable}, og sett én variabel for hver verdi i stedet.").format(variable=variable),
        ) from error
    _settle(from_environment)
    given = {key: value for key, value in (("state", state), ("lang", lang)) if value is not None}
    origins: dict[str, str] = {}
    origins |= {name: str(file) for name, _value in _flat(content)}
    origins |= {name: _variable(name) for name, _value in _flat(from_environment)}
    origins |= {name: f"--{name}" for name in given}
    merged: dict[str, Any] = _merge(_merge(content, from_environment), given)
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        raise _explained(error.errors(include_url=False), origins, file) from None
    settings._origins = origins
    return settings


def effective(settings: Settings) -> Iterator[Effective]:
    """Every setting in the order of the model."""
    for name, value in _flat(settings.model_dump(by_alias=True)):
        if isinstance(value, SecretStr):
            value = MASK
        elif name == "database_url":
            value = masked_url(value)
        elif isinstance(value, Path):
            value = str(value)
        yield Effective(name, value, settings._origins.get(name) or _("standard"))


def masked_url(url: str) -> str:
    """`url` without its password, for people and logs."""
    return _URL_PASSWORD.sub(lambda found: f"{found[1] or found[3]}{MASK}{found[2] or ''}", url)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """`FORSVARLIG_*` variables that no setting has.

    Not an error: Kubernetes adds such variables for every service of that name.
    """
    defaults = Settings(state=Path("/")).model_dump(by_alias=True)
    known = {_variable(name) for name, _value in _flat(defaults)} | {PREFIX + "CONFIG"}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _read_file(config: Path | None) -> tuple[Path, dict[str, Any]]:
    chosen = config or (Path(os.environ[PREFIX + "CONFIG"]) if os.environ.get(PREFIX + "CONFIG") else None)
    file = _absolute(chosen or default_file())
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if chosen is None:
            return file, {}
        raise SettingsError(
            _("Innstillingsfilen {file} finnes ikke.").format(file=file),
            _("Rett --config eller FORSVARLIG_CONFIG, eller lag filen."),
        ) from None
    except OSError as error:
        raise SettingsError(
            _("Innstillingsfilen {file} kan ikke leses ({code}).").format(file=file, code=error.strerror),
            _("Gi brukeren din leserett til filen."),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            _("Innstillingsfilen {file} er ikke gyldig TOML: {error}.").format(file=file, error=said(error)),
            _("Rett filen på det stedet; tekst skal stå i anførselstegn, og filen skal være i UTF-8."),
        ) from error
    for path in _PATHS:
        _resolve(content, path, file.parent)
    return file, content


def _resolve(content: dict[str, Any], path: tuple[str, ...], folder: Path) -> None:
    """A path in the file is relative to the file."""
    *sections, key = path
    for section in sections:
        content = content.get(section, {})
        if not isinstance(content, dict):
            return
    if isinstance(content.get(key), str):
        content[key] = str(folder / Path(content[key]).expanduser())


def _settle(from_environment: dict[str, Any]) -> None:
    """`FORSVARLIG_LOG_KEY` is the setting `log_key`, and not `key` in the section `log` too."""
    for name in Settings.model_fields.keys() & from_environment.keys():
        section, _cut, key = name.partition("_")
        nested = from_environment.get(section)
        if isinstance(nested, dict):
            nested.pop(key, None)
            if not nested:
                del from_environment[section]


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _variable(name: str) -> str:
    return PREFIX + name.replace(".", "_").upper()


def _explained(errors: list[ErrorDetails], origins: Mapping[str, str], file: Path) -> SettingsError:
    problems, places = [], []
    for error in errors:
        name = ".".join(str(part) for part in error["loc"])
        origin = origins.get(name, "")
        if origin.startswith((PREFIX, "--")):
            place = origin
        elif any(key.startswith(f"{name}.") and origins[key].startswith(PREFIX) for key in origins):
            place = f"{_variable(name)}_*"
        else:
            place = f"{name} ({file})"
        problem = problem_of(error)
        shown = isinstance(error["input"], str | int | float) and not _secret(name)
        given = " «{}»".format(error["input"]) if shown and error["type"] != "extra_forbidden" else ""
        problems.append(f"{place}{given} {problem}.")
        places.append(place)
    return SettingsError(
        " ".join(problems), _("Rett {places}, og prøv igjen.").format(places=", ".join(dict.fromkeys(places)))
    )


def _secret(name: str) -> bool:
    return name in ("mail", "mail.password", "database_url")
