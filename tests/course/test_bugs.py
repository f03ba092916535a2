"""Planted bugs: each is one wrong line, which the checks of its step reject; answers are graded."""

import os

import pytest

from course import bugs, catalogue
from course.__main__ import main
from course.grading.checks import check_source

MIN_BUGS = 60
SHARE = 10 if os.environ.get("SLOW_TESTS") == "reduced" else 1


@pytest.fixture
def course(tmp_path, capsys):
    def call(*arguments):
        status = main(["--folder", str(tmp_path), *arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err
    return call


def test_there_are_enough():
    assert bugs.count() >= MIN_BUGS


def test_a_bug_is_one_wrong_line():
    for number in (1, 2, 7, 8):
        bug = bugs.bug(number)
        lines = bug.source.splitlines()
        assert lines[bug.line - 1].strip() == bug.wrong_line != bug.right_line
        mended = [*lines[:bug.line - 1], bug.right_line, *lines[bug.line:]]
        right = bug._lines(catalogue.engine(bug.step.number))
        assert [line.strip() for line in mended[1:]] == [line.strip() for line in right]


def test_finding_one(course, tmp_path):
    status, said = course("bug", "2")
    bug = bugs.bug(2)
    assert status == 0 and (tmp_path / bug.filename).read_text("utf-8") == bug.source
    assert "what goes wrong: " in said and bug.right_line not in said
    (tmp_path / bug.filename).write_text("mine", encoding="utf-8")
    status, said = course("bug", "2")
    assert status == 2 and "stays as it is" in said
    assert (tmp_path / bug.filename).read_text("utf-8") == "mine"
    assert course("bug", "2", "--line", "1") == (
        1, "line 1 of bug002.py is as it should be; look on\n")
    status, said = course("bug", "2", "--line", str(bug.line))
    assert status == 0 and f"`{bug.wrong_line}` should be `{bug.right_line}`" in said
    assert "bugs   1 to   7  ░█░░░░░" in course("bug")[1]


@pytest.mark.slow
@pytest.mark.parametrize("step", catalogue.STEPS, ids=lambda step: step.folder.name)
def test_all_bugs_differ_and_are_rejected(step):
    numbers = range((step.number - 1) * bugs.PER_STEP + 1, step.number * bugs.PER_STEP + 1)
    planted = [bugs.bug(number) for number in numbers]
    assert len({bug.source.partition("\n")[2] for bug in planted}) == bugs.PER_STEP
    for bug in planted[step.number % SHARE::SHARE]:
        assert bug.line and not check_source(step, bug.source, bug.filename, until_first=True)
