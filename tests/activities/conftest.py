"""A sawmill in the middle of its year, made once and copied for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.activities.sawmill import EVE, Sawmill


@pytest.fixture(scope="session")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sawmill on the eve of Y15, in which nobody has answered anything yet."""
    folder = tmp_path_factory.mktemp("sawmill")
    async with Sawmill.started(folder) as mill:
        await mill.go(EVE)
    return folder


@pytest.fixture
async def mill(template: Path, tmp_path: Path) -> AsyncIterator[Sawmill]:
    """That sawmill, in a database of the test's own."""
    async with Sawmill.continued(template, tmp_path) as mill:
        yield mill
