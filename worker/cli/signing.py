"""Whose key signs what is done at this desk: the person's own if its file is here, else the installation's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_
from worker.cli.frame import frame
from worker.locations import default_keys

if TYPE_CHECKING:
    from activities.doors import Doors
    from activities.signatures import SigningKey
    from activities.situations import Situations
    from activities.store.database import Database

key_option = click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Nøkkelfilen du signerer med, når den ikke ligger på standardplassen."),
)


def key_place(employer: str, person: str) -> Path:
    """Where the person's own key lies when nothing else is said."""
    return default_keys() / f"{employer}-{person}.pem"


def own_key(employer: str, person: str, given: Path | None = None) -> SigningKey | None:
    """The key in the file that is `given`, or in the usual place; None when nothing lies there.

    `KeyFileError` when the file cannot be used.
    """
    from activities.signatures import SigningKey

    place = given if given is not None else key_place(employer, person)
    return SigningKey.load(place) if given is not None or place.exists() else None


def desk(database: Database, situations: Situations | None = None) -> Doors:
    """The doors of this machine's command line; `KeyFileError` when the installation's key cannot be used."""
    from activities.doors import Doors
    from activities.signatures import SigningKey

    signer = SigningKey.load_or_make(frame().settings.signing_key)
    return Doors(database, situations, signer=signer)
