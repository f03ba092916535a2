"""No mutant of a solution passes the checks of its step: the table in course/README.md."""

import os
import re
from pathlib import Path

import pytest

from course.catalogue import STEPS
from course.equivalents import REASONS
from course.grading.checks import check_source
from course.mutants import ENOUGH, mutants_of

README = Path(__file__).parents[2] / "course/README.md"
SHARE = 20 if os.environ.get("SLOW_TESTS") == "reduced" else 1

each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.folder.name)


@pytest.mark.slow
@each_step
def test_the_table_counts_them(step):
    mutants = mutants_of(step)
    names = [mutant.name for mutant in mutants]
    reasons = REASONS.get(step.number, {})
    assert len(mutants) >= ENOUGH and set(reasons) <= set(names)
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", README.read_text("utf-8"),
                      re.MULTILINE)
    same = sum(name in reasons for name in names)
    assert [row for row in rows if row[0] == str(step.number)] == [
        (str(step.number), str(len(names)), str(len(names) - same), str(same))]


@pytest.mark.slow
@each_step
def test_every_mutant_is_rejected(step):
    survivors = []
    for mutant in mutants_of(step)[step.number % SHARE::SHARE]:
        equal = mutant.name in REASONS.get(step.number, {})
        if bool(check_source(step, mutant.source, step.filename, until_first=True)) != equal:
            survivors.append(mutant.name)
    assert survivors == []
