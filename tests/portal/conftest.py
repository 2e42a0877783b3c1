"""A year that was played once, for every test that looks at its inspection file."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from portal.dossier.making import Made
from tests.portal.inspected import dossier, played


@pytest.fixture(scope="session")
def inspected_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sawmill whose year 2027 is over. Nobody may write in it."""
    folder = tmp_path_factory.mktemp("inspected")
    asyncio.run(played(folder))
    return folder


@pytest.fixture(scope="session")
def made(inspected_year: Path) -> Made:
    return dossier(inspected_year, person="per", texts=True, documents=True)


@pytest.fixture(scope="session")
def unpacked(made: Made) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
