"""`python -m nst.batch`: folders in, folders out, whatever happens in between."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst import Settings
from nst.cli import batch, batch_work
from nst.cli.pairs import make_pairs
from nst.cli.pairs import pictures as pictures_in
from nst.output import template
from nst.system.lock import output_lock

pytestmark = pytest.mark.usefixtures("narrow_network")

SMALL = ("--weights", "random:0", "--size", "32", "--scales", "1", "--iterations", "4",
         "--content-layers", "relu2_1", "--style-layers", "relu1_1,relu2_1", "--device", "cpu")


@pytest.fixture
def folders(tmp_path, colours, monkeypatch):
    """Three contents, one of which is broken, and two styles; the working directory."""
    monkeypatch.chdir(tmp_path)
    for folder, count in (("photos", 3), ("paintings", 2)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            colours(40, 50 + number, number + 5 * count).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "photos" / "1.png").write_text("no picture")
    (tmp_path / "photos" / "notes.txt").write_text("not meant to be one")
    return tmp_path


def paint(*more):
    return batch.main(["photos", "paintings", "-o", "out", *SMALL, *map(str, more)])


def summary():
    return json.loads(Path("out/batch.json").read_text(encoding="utf-8"))


# --------------------------------------------------------------------------------- pairing


def names(pairs):
    return [(pair.content.stem, pair.style.stem) for pair in pairs]


def test_pairs():
    contents = [Path(name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    styles = [Path(name) for name in ("x.png", "y.png", "z.png")]
    assert names(make_pairs(contents, styles[:2], "cross")) == [
        ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "y")]
    assert names(make_pairs(contents, styles, "zip")) == [("a", "x"), ("b", "y"), ("c", "z")]
    drawn = make_pairs(contents * 10, styles, "random", seed=3)
    assert names(drawn) == names(make_pairs(contents * 10, styles, "random", seed=3))
    assert names(drawn) != names(make_pairs(contents * 10, styles, "random", seed=4))
    assert {style for _, style in names(drawn)} == {"x", "y", "z"}
    assert names(make_pairs(contents * 10, styles, "random", 3, limit=7)) == names(drawn)[:7]
    with pytest.raises(ArgumentError, match="3 contents and 2 styles"):
        make_pairs(contents, styles[:2], "zip")


def test_names_of_results_never_clash():
    contents = [Path(name) for name in ("a.jpg", "a.png", "b.c.jpg")]
    found = make_pairs(contents, [Path("x.png")], "cross")
    assert [pair.name for pair in found] == ["a-jpg--x", "a-png--x", "b.c--x"]


def test_nor_where_a_name_has_dashes_or_other_capitals():
    found = make_pairs([Path(name) for name in ("a.jpg", "a--b.jpg", "A.png")],
                   [Path(name) for name in ("b--c.png", "c.png")], "cross")
    assert [pair.name for pair in found] == [
        "a--b--c", "a--c", "a--b--b--c", "a--b--c-2", "A--b--c-3", "A--c-2"]


def test_pictures_of_a_folder_come_by_number(tmp_path):
    for name in ("p10.png", "p9.png", "P1.JPG", ".hidden.png", "notes.txt", "q.webp"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in pictures_in(tmp_path, "content")] == [
        "P1.JPG", "p9.png", "p10.png", "q.webp"]
    assert pictures_in(tmp_path / "p9.png", "content") == [tmp_path / "p9.png"]
    with pytest.raises(FileError, match=r"the style folder .* contains no picture"):
        pictures_in(tmp_path / "folder.png", "style")
    with pytest.raises(FileError, match="nowhere does not exist"):
        pictures_in(tmp_path / "nowhere", "style")


# --------------------------------------------------------------------------------- painting


def test_a_broken_picture_is_stepped_over(folders, capsys):
    assert paint("--report", "out/all.html") == 3
    said = capsys.readouterr()
    assert "3 of 6  1--0.png: the content picture photos/1.png is not a picture" in said.err
    assert said.out.splitlines()[-1].startswith("4 of 6 finished, 2 failed; on average: total ")
    assert sorted(path.name for path in Path("out").glob("*.png")) == [
        "0--0.png", "0--1.png", "2--0.png", "2--1.png"]
    assert Image.open("out/2--1.png").size == (32, 25)
    found = summary()
    assert (found["pictures"], found["finished"], found["failed"]) == (6, 4, 2)
    records = [json.loads(path.read_text(encoding="utf-8"))
               for path in Path("out").glob("?--?.json")]
    done = [record for record in records if record["summary"]["ended"] == "done"]
    assert (len(records), len(done)) == (6, 4)
    assert found["average"]["total"] == pytest.approx(
        np.mean([record["summary"]["best_total"] for record in done]), rel=1e-12)
    assert found["seconds_per_picture"] == pytest.approx(
        np.mean([record["summary"]["seconds"] for record in done]), rel=1e-12)
    page = Path("out/all.html").read_text(encoding="utf-8")
    assert page.count("<img") == 4 and page.count('class="failed"') == 2
    assert 'href="2--1.png"' in page
    assert '<pre id="command">python -m nst.batch photos paintings -o out --weights' in page


@pytest.mark.usefixtures("whole_network")
def test_a_picture_is_what_nst_run_makes(folders, nst_run):
    assert paint("--limit", 1, "--checkpoint-every", 2) == 0
    done = nst_run("photos/0.png", "paintings/0.png", "-o", "single.png", *SMALL, "--quiet")
    assert done.returncode == 0, done.stderr
    assert Path("out/0--0.png").read_bytes() == Path("single.png").read_bytes()
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "0--0.json", "0--0.png", "batch.json"]


def test_what_is_finished_is_skipped_and_what_was_broken_is_tried_again(folders, capsys,
                                                                        monkeypatch):
    paint()
    times = {path: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}
    Image.new("RGB", (40, 40), "teal").save("photos/1.png")
    loads = []
    original = batch_work.load_network
    monkeypatch.setattr(batch_work, "load_network",
                        lambda settings: loads.append(1) or original(settings))
    capsys.readouterr()
    assert paint() == 0
    said = capsys.readouterr().out
    assert said.count("already finished") == 4 and "3 of 6  1--0.png: total loss" in said
    assert len(list(Path("out").glob("*.png"))) == 6 and len(loads) == 1
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    Image.new("RGB", (40, 40), "navy").save("photos/1.png")         # another picture now
    assert paint() == 0
    assert capsys.readouterr().out.count("already finished") == 4


@pytest.mark.parametrize("damage", [
    "", "{", "[]", "{}", '{"summary": 3}', '{"summary": {"ended": "done"}}', '{"summary": {}}',
    '{"summary": {"ended": "done", "best_iteration": 9, "seconds": 1}, "iterations": []}'])
def test_a_damaged_record_is_that_of_no_picture(damage, folders, capsys):
    assert paint("--limit", 1) == 0
    whole = json.loads(Path("out/0--0.json").read_text(encoding="utf-8"))
    Path("out/0--0.json").write_text(damage, encoding="utf-8")
    status = paint("--limit", 1, "--report", "out/all.html")
    if damage in ("[]", "{}", '{"summary": 3}'):        # may be anybody's
        assert status == 2 and "out/0--0.json already exists" in capsys.readouterr().err
        assert Path("out/0--0.json").read_text(encoding="utf-8") == damage
        return
    assert status == 0
    again = json.loads(Path("out/0--0.json").read_text(encoding="utf-8"))
    assert again["summary"]["best_total"] == whole["summary"]["best_total"]


def test_a_checkpoint_that_is_of_no_use_is_named(folders, capsys):
    Path("out").mkdir()
    Path("out/0--0.checkpoint.h5").write_bytes(b"\x89HDF, minigrad-state, and then no checkpoint")
    assert paint("--limit", 1) == 0
    assert "0--0.png starts from the beginning, because nst cannot read out/0--0.checkpoint.h5: " \
        "it is not" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_in_the_end(folders, capsys, monkeypatch):
    """The pictures are there all the same, and so is the summary."""
    def full(*arguments):
        raise FileError("cannot write all.html: No space left on device")

    monkeypatch.setattr(template, "write_page", full)
    assert paint("--limit", 1, "--report", "all.html") == 3
    said = capsys.readouterr()
    assert said.err == "nst.batch: cannot write all.html: No space left on device\n"
    assert summary()["finished"] == 1 and said.out.splitlines()[-1].startswith("1 of 1 finished")


def test_two_batches_in_one_folder(folders, capsys):
    Path("out").mkdir()
    with output_lock(Path("out/batch.json")):
        assert paint("--limit", 1) == 2
    assert "another run is writing out/batch.json; wait" in capsys.readouterr().err
    assert list(Path("out").iterdir()) == []


def test_other_settings_do_not_replace_what_is_finished(folders, capsys):
    paint("--limit", 2)
    before = Path("out/0--0.png").read_bytes()
    assert paint("--limit", 2, "--style-weight", 3) == 2
    told = f"out/0--0.png was made with style-weight {Settings().style_weight}, not 3.0"
    assert told in capsys.readouterr().err
    assert Path("out/0--0.png").read_bytes() == before
    assert paint("--limit", 2, "--style-weight", 3, "--overwrite") == 0
    assert Path("out/0--0.png").read_bytes() != before


def test_what_is_there_is_kept(folders, capsys):
    Path("out").mkdir()
    names = ["out/batch.json", "all.html", "out/0--0.png", "out/0--0.json"]
    for there in (*names, "out/0--0.checkpoint.h5"):
        Path(there).write_text('{"mine": 1}')
        assert paint("--limit", 1, "--report", "all.html") == 2
        assert f"{there} already exists" in capsys.readouterr().err
        assert Path(there).read_text() == '{"mine": 1}'
        Path(there).unlink()
    for there in names:
        Path(there).write_text('{"mine": 1}')
    assert paint("--limit", 1, "--report", "all.html", "--overwrite") == 0
    assert paint("--limit", 1, "--report", "all.html") == 0         # its own
    assert summary()["finished"] == 1 and "<img" in Path("all.html").read_text()


def test_a_loop_of_links_is_found_before_the_first_picture(folders, capsys):
    Path("out").mkdir()
    for name in ("0--0.png", "2--1.json", "batch.json"):
        (Path("out") / name).symlink_to(name)
        assert paint("--overwrite") == 2
        assert f"cannot write out/{name}: it is a link in a loop" in capsys.readouterr().err
        (Path("out") / name).unlink()
    assert os.listdir("out") == []


def test_names_with_other_digits(folders):
    """Python counts "²" among the digits, but not as a number."""
    Path("photos/1.png").unlink()
    Path("photos/2.png").rename("photos/²1.png")
    found = [path.name for path in pictures_in(Path("photos"), "content")]
    assert found == ["0.png", "²1.png"]


EDITS = [
    {"best_iteration": -1}, {"best_iteration": True}, {"best_iteration": 99}, {"seconds": "x"},
    {"seconds": True}, {"seconds": 10**299}, {"best_total": 1.7e308}, {"best_total": None},
    {"cause": {}}, {"ended": ["done"]}]


def test_a_record_that_was_edited_is_none(folders):
    """The picture is painted again; no entry is used before its type is checked."""
    assert paint("--limit", 1) == 0
    path = Path("out/0--0.json")
    whole = json.loads(path.read_text())
    assert batch_work._is_complete(whole)
    for change in EDITS:
        assert not batch_work._is_complete({**whole, "summary": {**whole["summary"], **change}})
    for term in ("total", "content", "palette", "tv"):
        entries = [{**entry, term: "x"} for entry in whole["iterations"]]
        assert not batch_work._is_complete({**whole, "iterations": entries})
    path.write_text(json.dumps({**whole, "settings": 5}))
    assert paint("--limit", 1) == 2             # nst wrote no such file
    for edited in ({"iterations": {}}, {"summary": {"seconds": float("nan")}},
                   {"iterations": [{**entry, "total": 10**400} for entry in whole["iterations"]]}):
        path.write_text(json.dumps({**whole, **edited}))
        assert paint("--limit", 1) == 0 and summary()["finished"] == 1
        assert json.loads(path.read_text())["settings"] == whole["settings"]


def test_files_that_are_no_pictures_are_counted(folders, capsys):
    Path("photos/camera.nef").write_text("raw")
    paint("--limit", 1)
    assert "skipped photos/camera.nef and 1 more: not a picture" in capsys.readouterr().out


def test_a_picture_that_another_run_writes(folders, capsys):
    Path("out").mkdir()
    with output_lock(Path("out/0--0.json")):
        assert paint("--limit", 2) == 3
    said = capsys.readouterr()
    assert "another run is writing out/0--0.json of out/0--0.png" in said.err
    assert summary()["finished"] == 1 and not Path("out/0--0.json").exists()


def test_a_finished_picture_that_is_damaged_is_painted_again(folders):
    assert paint("--limit", 1) == 0
    whole = Path("out/0--0.png").read_bytes()
    Path("out/0--0.png").write_bytes(whole[:-100])
    assert paint("--limit", 1) == 0
    assert Path("out/0--0.png").read_bytes() == whole


def test_no_result_is_a_picture_of_another_pair(folders, capsys):
    """The result of the first pair would be the style of the second."""
    Path("out").mkdir()
    Image.new("RGB", (40, 40), "teal").save("out/0--0.png")
    Path("paintings/1.png").unlink()
    Path("paintings/1.png").symlink_to("../out/0--0.png")
    assert paint("--overwrite") == 2
    assert "the output out/0--0.png is the picture paintings/1.png itself" in (
        capsys.readouterr().err)


@pytest.mark.usefixtures("whole_network")
def test_two_processes_make_the_same(folders):
    assert paint("--pair", "random", "--seed", 1) == 3
    first = {path.name: path.read_bytes() for path in Path("out").glob("*.png")}
    for path in Path("out").iterdir():
        path.unlink()
    assert paint("--pair", "random", "--seed", 1, "--processes", 2, "--quiet") == 3
    assert {path.name: path.read_bytes() for path in Path("out").glob("*.png")} == first
    assert len(first) == 2


@pytest.mark.parametrize("arguments, words", [
    (["photos", "-o", "out"], "STYLE is missing"),
    (["photos", "paintings", "paintings", "-o", "out"], "needs two folders"),
    (["photos", "nowhere", "-o", "out"], "the style folder nowhere does not exist"),
    (["photos", "paintings"], "-o/--output"),
    (["photos", "paintings", "-o", "photos/0.png/out"], "cannot make the folder"),
    (["photos", "paintings", "-o", "photos"], "mixed with the pictures in photos"),
    (["photos", "paintings", "-o", "out", "--pair", "zip"], "3 contents and 2 styles"),
    (["photos", "paintings", "-o", "out", "--limit", "0"], "limit is 0"),
    (["photos", "paintings", "-o", "out", "--processes", "0"], "processes is 0"),
    (["photos", "paintings", "-o", "out", "--ending", "bmp"], "must end in .png"),
    (["photos", "paintings", "-o", "out", "--report", "all.txt"], "must end in .html"),
    (["photos", "paintings", "-o", "out", "--save-every", "2"], "--save-every is an option of"),
    (["photos", "paintings", "-o", "out", "--resume"], "--resume is an option of"),
    (["photos", "paintings", "-o", "out", "--sise", "2"], "did you mean --size"),
    (["photos", "paintings", "-o", "out", "--weights", "gone.h5"], "gone.h5"),
])
def test_mistakes_are_found_before_the_first_picture(arguments, words, folders, capsys):
    assert batch.main([*arguments, *(SMALL[2:] if "--weights" in arguments else SMALL)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("nst.batch: ") and words in said.err
    assert not list(Path().glob("out/*.json"))


# -------------------------------------------------------------------------- stop and go on


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_terminated_and_started_again(processes, folders, environment):
    """The same command makes the same pictures as one that nobody stops."""
    command = [sys.executable, "-m", "nst.batch", "photos", "paintings", *SMALL, "--iterations",
               "150", "--processes", str(processes)]
    process = subprocess.Popen([*command, "-o", "out"], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    for line in process.stdout:             # until the first is finished
        if line.startswith("1 of 6"):
            break
    time.sleep(random.uniform(0, 0.3))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in errors, errors
    assert "stopped by SIGTERM; repeat the command to resume" in errors
    assert summary()["unfinished"] >= 1
    again = subprocess.run([*command, "-o", "out"], env=environment, capture_output=True,
                           text=True, timeout=120)
    assert again.returncode == 3 and "1 of 6  0--0.png: already finished" in again.stdout
    assert "4 of 6 finished, 2 failed" in again.stdout
    subprocess.run([*command, "-o", "whole", "--quiet"], env=environment, capture_output=True,
                   timeout=120, check=False)
    for path in Path("whole").glob("*.png"):
        assert (Path("out") / path.name).read_bytes() == path.read_bytes()
    assert not list(Path("out").glob("*.checkpoint.h5"))
