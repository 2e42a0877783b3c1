"""A year that was played once, for every test that looks at its inspection file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.portal.inspected import played


@pytest.fixture(scope="session")
def inspected_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sawmill whose year 2027 is over. Nobody may write in it."""
    folder = tmp_path_factory.mktemp("inspected")
    asyncio.run(played(folder))
    return folder
