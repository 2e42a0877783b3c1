"""Where things lie when nothing else is said: the XDG base directories."""

from __future__ import annotations

import os
from pathlib import Path


def default_state() -> Path:
    """The directory of everything that must survive a restart: under XDG_STATE_HOME, or ~/.local/state."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "forsvarlig"


def default_file() -> Path:
    """The settings file that is read if it exists: under XDG_CONFIG_HOME, or ~/.config."""
    return _xdg("XDG_CONFIG_HOME", ".config") / "forsvarlig" / "forsvarlig.toml"


def default_keys() -> Path:
    """The folder of people's own signing keys: under XDG_CONFIG_HOME, or ~/.config."""
    return _xdg("XDG_CONFIG_HOME", ".config") / "forsvarlig" / "keys"


def _xdg(variable: str, fallback: str) -> Path:
    # The XDG specification: a relative path is invalid and to be ignored.
    configured = Path(os.environ.get(variable, ""))
    return configured if configured.is_absolute() else Path.home() / fallback
