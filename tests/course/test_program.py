"""`python -m course`: every command, every mistake in using it."""

import re

import pytest

from course import catalogue, commands
from course.__main__ import main
from course.catalogue import STEPS
from course.workplace import Workplace


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mine"


@pytest.fixture
def course(folder, capsys):
    """Call the program; returns its status, and what it printed to both streams."""
    def call(*arguments):
        status = main(["--folder", str(folder), *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err
    return call


@pytest.fixture
def all_pass(monkeypatch):
    """A check that passes if the file holds no open hole: what it finds is tested elsewhere."""
    from course.grading.verdict import Finding, Verdict

    def check(step, path, shown):
        open_hole = "NotImplementedError" in path.read_text(encoding="utf-8")
        return Verdict(shown, 3, [] if open_hole else ["all"],
                       [Finding("the file", "a hole", "slope", 7)] if open_hole else [])
    monkeypatch.setattr(commands, "check_file", check)


def test_list_names_every_step(course):
    status, out, _ = course("list")
    assert status == 0 and all(step.title in out for step in STEPS)
    assert course() == (0, out, "")


def test_start_writes_and_never_overwrites(course, folder):
    status, out, _ = course("start", "1")
    path = folder / "step01.py"
    assert status == 0 and path.read_text(encoding="utf-8") == catalogue.exercise(1)
    assert "page.md" in out and "python -m course check 1" in out
    path.write_text("mine", encoding="utf-8")
    status, out, err = course("start", "1")
    assert status == 2 and out == "" and "stays as it is" in err and err.count("\n") == 1
    assert path.read_text(encoding="utf-8") == "mine"
    assert course("start", "1", "--again")[0] == course("start", "1", "--again")[0] == 0
    assert {p.name for p in folder.glob("*.py")} == {"step01.py", "step01_2.py", "step01_3.py"}


def test_the_next_step_builds_on_what_passed(course, folder, all_pass):
    course("start", "1")
    path = folder / "step01.py"
    assert course("check", "1")[0] == 1
    assert "the course's engine after step 1" in course("start", "2")[1]
    mine = catalogue.engine(1).replace("(f(x + h) - f(x - h)) / (2 * h)",
                                       "f(x + h) / (2 * h) - f(x - h) / (2 * h)")
    path.write_text(mine, encoding="utf-8")
    status, out, _ = course("check", "1")
    assert status == 0 and out.endswith("all 3 checks passed; next: python -m course start 2\n")
    (folder / "step02.py").unlink()
    assert "your own engine in step01.py" in course("start", "2")[1]
    own = (folder / "step02.py").read_text(encoding="utf-8")
    assert "f(x + h) / (2 * h) - f(x - h)" in own and "Step 2:" in own and "Step 1:" not in own
    path.write_text(mine + "if True:\n    pass\n", encoding="utf-8")
    course("check", "1")
    (folder / "step02.py").unlink()
    assert "the course's engine" in course("start", "2")[1]


def test_progress(course, folder, all_pass):
    assert f"0 of {len(STEPS)} steps passed; next is step 1, " in course("progress")[1]
    course("start", "1")
    assert re.search(r"1  The slope by nudging +started", course("list")[1])
    (folder / "step01.py").write_text(catalogue.engine(1), encoding="utf-8")
    course("check")
    assert "next is step 2" in course("progress")[1] and "█░" in course("progress")[1]
    assert re.search(r"1  The slope by nudging +passed", course("list")[1])


def test_hints_come_one_after_the_other(course):
    hints = catalogue.step(1).hints()
    for number in (0, 1, 2, 2):
        assert hints[number] in course("hint", "1")[1]
    assert hints[0] in course("hint", "1", "1")[1] and hints[1] in course("hint", "1", "2")[1]


def test_solution(course):
    assert course("solution", "2")[1] == catalogue.engine(2)
    assert course("solution", "2", "--difference")[1] == catalogue.difference(2)


def test_watch_checks_each_time_that_the_file_is_saved(folder, all_pass, capsys):
    place = Workplace(folder)
    place.start(catalogue.step(1))
    path = folder / "step01.py"
    looks = []

    def pause(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            path.write_text(catalogue.engine(1), encoding="utf-8")
        if len(looks) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commands.watch(place, 1, pause)
    out = capsys.readouterr().out
    assert out.count("step 1: ") == 2 and "FAILED" in out and "all 3 checks passed" in out


@pytest.mark.parametrize("arguments, words", [
    (("start", "0"), "there is no step 0; the steps are 1 to"),
    (("start", "99"), "there is no step 99"),
    (("start", "one"), "'one' is not a number such as 1"),
    (("start", "-1"), "-1"),
    (("start",), "N"),
    (("check",), "there is no working copy in"),
    (("check", "2"), "`start 2` makes it"),
    (("check", "1", "--file", "none.py"), "there is no file none.py"),
    (("watch", "1"), "`start 1` makes it"),
    (("hint", "1", "4"), "the hints are 1, 2 and 3, not '4'"),
    (("hint", "77"), "there is no step 77"),
    (("solution", "77"), "there is no step 77"),
    (("bug", "999"), "there is no bug 999; the bugs are 1 to"),
    (("bug", "1", "--line", "x"), "'x' is not a number"),
    (("begin",), "begin"),
    (("start", "1", "--agian"), "--agian"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_mistakes_are_one_sentence(course, arguments, words):
    status, out, err = course(*arguments)
    assert status == 2 and out == "" and words in err
    assert err.startswith("course: ") and err.count("\n") == 1


def test_damaged_files(course, folder):
    course("start", "1")
    (folder / "step01.py").write_bytes(b"\xff\xfe")
    assert "is not text in UTF-8" in course("check", "1")[2]
    (folder / "progress.json").write_text("[1", encoding="utf-8")
    assert "is damaged; delete it" in course("progress")[2]
    (folder / "progress.json").write_text('{"passed": []}', encoding="utf-8")
    assert "is damaged; delete it" in course("list")[2]


def test_a_folder_that_is_a_file(course, folder):
    folder.write_text("a file", encoding="utf-8")
    status, _, err = course("start", "1")
    assert status == 2 and "cannot be made" in err
