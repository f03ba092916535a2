"""Wrong answers of readers are rejected, and most are told which mistake they made.

`wrong/named.toml` holds what judges found who read, for each answer, its mistake and the first
finding of the check: the words that name the mistake, or nothing where the finding is true but
names no cause, or names another one.
"""

import os
import re
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
import submissions
from findings import first_finding

from course import assemble, catalogue

README = Path(__file__).parents[2] / "course/README.md"
SHARE = 15 if os.environ.get("SLOW_TESTS") == "reduced" else 1
TRIES = 5           # with other random inputs a check may begin with another finding


@cache
def words():
    """The words that name the mistake of each submission, "" if there are none, by its title."""
    tables = tomllib.loads((submissions.FOLDER / "named.toml").read_text(encoding="utf-8"))
    return {f"{table[4:]} {name}": text for table, entries in tables.items()
            for name, text in entries.items()}


def by_step():
    steps = defaultdict(list)
    for number, submission in enumerate(submissions.all_submissions()):
        if number % SHARE == 0:
            steps[submission.step].append(submission)
    return steps


def said_to(submission):
    source = catalogue.solved(submission.step).joined(
        assemble.parse(submission.code)).source(catalogue.step(submission.step).docstring)
    return first_finding(submission.step, source)


@pytest.mark.slow
@pytest.mark.parametrize("number, answers", by_step().items())
def test_a_wrong_answer_is_rejected_and_named(number, answers):
    silent = [str(answer) for answer in answers
              if not any(words()[str(answer)] in said_to(answer) for _ in range(TRIES))]
    assert silent == []


def test_the_readme_counts_them():
    titles = set(map(str, submissions.all_submissions()))
    drawn = set(map(str, submissions.drawn()))
    assert set(words()) == titles and len(drawn) == submissions.DRAWN
    named = {title for title, text in words().items() if text}
    assert len(named & drawn) >= 160
    sentence = re.search(r"names the mistake in (\d+) of the 200, and in (\d+) of the other (\d+)",
                         README.read_text(encoding="utf-8"))
    assert list(map(int, sentence.groups())) == [
        len(named & drawn), len(named - drawn), len(titles - drawn)]
