"""Old and new ids of tests, brought together by tools/test_ids.py."""

import pytest

from tools import test_ids

BEFORE = ["tests/a/test_x.py::test_one", "tests/a/test_x.py::test_two[1]",
          "tests/a/test_x.py::test_asked[1]", "tests/a/test_y.py::test_same",
          "tests/a/test_z.py::test_same", "tests/a/test_x.py::test_gone",
          "tests/a/test_x.py::test_cases[<a>]", "tests/a/test_x.py::test_cases[<b>]"]
AFTER = ["tests/a/test_x.py::test_one", "tests/b/c/test_w.py::test_two[1]",
         "tests/a/test_x.py::test_request[1]", "tests/b/test_z.py::test_same",
         "tests/b/test_y.py::test_same", "tests/a/test_x.py::test_new",
         "tests/c/test_x.py::test_cases[a]", "tests/c/test_x.py::test_cases[b]"]
EXPECTED = ["same", "moved", "moved", "moved", "moved", "gone", "paired", "paired", "new"]


def test_files_that_moved_and_names_that_changed():
    renames = test_ids.renames_of("# names\n\ntest_asked → test_request\n")
    rows = test_ids.mapped(BEFORE, AFTER, renames)
    assert [kind for kind, _, _ in rows] == EXPECTED
    assert dict(row[1:] for row in rows)["tests/a/test_z.py::test_same"] == (
        "tests/b/test_z.py::test_same")
    assert sorted(new for _, _, new in rows if new) == sorted(AFTER)


def test_as_a_program(tmp_path, capsys):
    for name, ids in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / name).write_text("\n".join([*ids, "", "7 tests collected in 1 s"]))
    assert test_ids.main([str(tmp_path / "before"), str(tmp_path / "after"), "--summary"]) == 0
    said = capsys.readouterr()
    assert said.err == "1 same, 3 moved, 2 paired, 2 gone, 2 new\n"
    assert "gone\t1\ttests/a/test_x.py::test_gone\n" in said.out


def test_a_line_that_is_no_rename():
    with pytest.raises(ValueError, match="'a -> b' is not 'PATTERN → REPLACEMENT'"):
        test_ids.renames_of("a -> b")
