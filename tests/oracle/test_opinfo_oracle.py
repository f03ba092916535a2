"""Every sample of PyTorch's operators that minigrad has: the same values, types and gradients.

    python -m pytest -m oracle tests/oracle                 a fixed part of each entry's samples
    ORACLE=full python -m pytest -m oracle tests/oracle     all of them

The last lines of the output count entries and samples. At most 2 % of all samples and 20 % of an
entry's may be refused, or differ for a reason that docs/conventions.md gives.
"""

import warnings
from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
from oracle_cases import OPS, cases  # noqa: E402
from oracle_compare import Differs, Refused, compare  # noqa: E402
from oracle_differences import (  # noqa: E402
    ALLOWED,
    COMPARED_OTHERWISE,
    DIFFERENCES,
    MAX_ROWS,
    explained,
    rows,
)
from oracle_table import RANDOM, TABLE  # noqa: E402

pytestmark = pytest.mark.oracle

MAX_SHARE = 0.2


@pytest.mark.parametrize("name", TABLE)
def test_agrees_with_pytorch(name, record_property):
    counts, failures, refusals = Counter(), [], []
    for case in cases(name):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = _outcome(case, name, failures, refusals)
        counts[outcome] += 1
    record_property("oracle", dict(counts))
    total = counts["passed"] + counts["excepted"] + counts["refused"] + counts["differs"]
    assert not failures, f"{len(failures)} of {total} samples differ:\n" + "\n".join(failures[:30])
    assert counts["excepted"] + counts["refused"] <= MAX_SHARE * total, \
        f"too many of {total} samples are excepted or refused: {counts}\n" + "\n".join(
            refusals[:30])


def _outcome(case, name, failures, refusals):
    try:
        return "passed" if compare(case, TABLE[name], name in RANDOM) else "no case of PyTorch's"
    except Refused as error:
        if case.dtype.is_complex:       # complex values are right or refused
            return "complex, refused"
        if explained(case):
            return "excepted"
        refusals.append(f"{case}: refused: {error}")
        return "refused"
    except Differs as error:
        if explained(case):
            return "excepted"
        failures.append(f"{case}: {error}")
        return "differs"


def test_every_row_names_an_entry():
    assert set(TABLE) <= set(OPS)


def test_the_page_lists_the_differences():
    assert sorted(rows()) == sorted([*DIFFERENCES, *COMPARED_OTHERWISE, *ALLOWED])
    assert len(rows()) <= MAX_ROWS
