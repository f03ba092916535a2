"""JSON of strangers: what would end in an exception later on is refused when it is read."""

import os

import pytest

from minigrad.errors import FileError
from nst.output.record import is_json, read_record, write_record
from nst.system import strict_json


def test_what_our_programs_write(tmp_path):
    record = {"settings": {"seed": 2**63 - 1, "blend": None}, "summary": {"seconds": 1e-300},
              "iterations": [{"total": 3.5, "style_layers": {"relu1_1": -2}}], "other": [True, "x"]}
    write_record(tmp_path / "a.json", record)
    assert read_record(tmp_path / "a.json") == record


def test_texts_that_control_a_terminal_are_escaped(tmp_path):
    record = {"summary": {"cause": "grün 画 a\u202e\u2028\x85\u200f\U000e0001\x1b\\u202e"}}
    write_record(tmp_path / "a.json", record)
    assert (tmp_path / "a.json").read_text().replace("\n", "").isprintable()
    assert read_record(tmp_path / "a.json") == record


@pytest.mark.parametrize("text", [
    "NaN", "-Infinity", "1e400", "-1e309", "9" * 400, "9" * 5000, "[" * 30 + "]" * 30,
    "[" * 10**5, '{"a":' * 30 + "1" + "}" * 30, "{"],
    ids=["nan", "infinity", "1e400", "1e309", "400 nines", "5000 nines", "30 lists",
         "open lists", "30 objects", "cut"])
def test_what_is_refused(text, tmp_path):
    with pytest.raises(ValueError):
        strict_json.loads(f'{{"summary": {{"seconds": {text}}}}}')
    (tmp_path / "a.json").write_text(f'{{"summary": {{"seconds": {text}}}}}')
    assert read_record(tmp_path / "a.json") is None and not is_json(tmp_path / "a.json")


@pytest.mark.parametrize("settings", ["5", "null", '["size"]', '"size"'])
def test_settings_that_are_none(settings, tmp_path):
    (tmp_path / "a.json").write_text(f'{{"summary": {{}}, "settings": {settings}}}')
    assert read_record(tmp_path / "a.json") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    assert read_record(tmp_path / "a.json") is None


def test_data_that_json_has_no_words_for(tmp_path):
    for value in (float("nan"), 16**5000, object()):
        with pytest.raises(FileError, match=r"cannot write .*a\.json"):
            write_record(tmp_path / "a.json", {"seconds": value})
