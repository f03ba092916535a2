"""The gallery: every picture is there, from a command that is right."""

import shlex
from pathlib import Path

import pytest
from PIL import Image

from nst.config import request
from nst.config.options import parser
from tools.site import gallery
from tools.site.commands import run_command


def test_every_picture_of_the_page_is_what_its_command_painted():
    shown = gallery.PAGE.read_text(encoding="utf-8").count("](images/gallery/")
    assert len(gallery.commands()) == shown >= 12
    assert gallery.stale() == [], "run python -m tools.site.gallery"
    folder = gallery.DOCS / "images/gallery"
    assert {path.name for path in folder.iterdir()} == set(gallery.commands())
    for name in gallery.commands():
        with Image.open(folder / name) as image:
            assert max(image.size) == 320


@pytest.mark.parametrize("name", gallery.commands())
def test_a_command_names_its_picture_and_has_options_that_exist(name):
    start, *arguments = shlex.split(gallery.commands()[name].removeprefix("python -m "))
    assert start == "nst.run" and arguments[-2:] == ["-o", name]
    options = request.parse(parser().parse_args(arguments))
    assert request.resolve(options).output == Path(name)


def test_another_command_makes_a_picture_stale(monkeypatch):
    commands = gallery.commands()
    changed = {**commands, "village.jpg": commands["village.jpg"] + " --seed 1"}
    monkeypatch.setattr(gallery, "commands", lambda: changed)
    assert gallery.stale() == ["village.jpg"]


@pytest.mark.slow
def test_the_commands_run_one_after_the_other(tmp_path):
    """With fewer pixels and one iteration."""
    assert len(gallery.inputs()) == 2
    for command in gallery.inputs():
        run_command(command, tmp_path)
    for name, command in gallery.commands().items():
        run_command(command, tmp_path, ["--size", "48", "--iterations", "1"])
        assert (tmp_path / name).stat().st_size > 0
