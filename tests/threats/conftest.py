"""The bank's own fixtures, and a street of boards before it."""

from pathlib import Path

import pytest

from tests.bank.conftest import (  # noqa: F401 - fixtures are found by name
    anna,
    app,
    bert,
    opg1,
    owner,
    purse,
    settings,
    state_dir,
    teller,
    till,
)
from tests.bank.opg1_teller import Opg1Teller
from tests.threats.street import Street


@pytest.fixture
def street(opg1: Opg1Teller, tmp_path: Path) -> Street:  # noqa: F811
    return Street(opg1, tmp_path)
