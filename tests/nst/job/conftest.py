"""Runs and checkpoints are tested with a narrow network: width changes nothing here."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def narrow(narrow_network):
    """Applies to every file of this folder."""
