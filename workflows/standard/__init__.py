"""What ships with the product as data: the legal register and the programmes of a year."""

from __future__ import annotations

from importlib.resources import files


def law_text() -> str:
    """The legal register, as the TOML that `workflows.rules.law.parse_law` reads."""
    return files(__name__).joinpath("law.toml").read_text(encoding="utf-8")


def programme_text(name: str = "standard") -> str:
    """The programme `programme_<name>.toml`; `ValueError` names the shipped ones when there is no such."""
    shipped = {
        file.name.removeprefix("programme_").removesuffix(".toml"): file
        for file in files(__name__).iterdir()
        if file.name.startswith("programme_") and file.name.endswith(".toml")
    }
    if name not in shipped:
        raise ValueError(
            f"No programme named {name!r} ships with the product; choose one of: {sorted(shipped)}."
        )
    return shipped[name].read_text(encoding="utf-8")


def retention_text() -> str:
    """How long each kind of record is kept, as the TOML that `workflows.rules.retention.parse_retention` reads."""
    return files(__name__).joinpath("retention.toml").read_text(encoding="utf-8")
