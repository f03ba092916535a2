"""No program ends in a traceback because nobody reads, or can store, what it prints."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.stdio import RobustStream, robust_stdio

ROOT = Path(__file__).parents[2]
# The first two run before anything is installed, and their output is a file for another program,
# which must not be cut off with status 0; the others are the far end of a pipe.
EXEMPT = ("tools/lowest_versions.py", "tools/test_ids.py", "tools/webassembly/guest.py",
          "minigrad/check/mutation.py")
COMMANDS = [("minigrad.check --list", "> /dev/full 2> /dev/full", 0),
            ("minigrad.check --list", "| true", 0),
            ("weights_converter --help", ">&- 2>&-", 0),
            ("weights_converter no-file.h5 out.h5", "> /dev/full 2> /dev/full", 2)]


class Gone(io.StringIO):
    """A stream to somewhere that is no more."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


def test_writing_to_nobody_does_not_fail(monkeypatch):
    monkeypatch.setattr(sys, "stdout", gone := Gone())
    monkeypatch.setattr(sys, "stderr", None)
    with robust_stdio():
        print("lost", flush=True)
        print("lost", file=sys.stderr, flush=True)
    assert sys.stdout is gone and sys.stderr is None


def test_what_is_read_arrives():
    stream = RobustStream(io.StringIO())
    print("here", file=stream, flush=True)
    assert stream.getvalue() == "here\n"


def programs():
    """Every file that can be run, with the one that holds its `main`."""
    for package in ("minigrad", "nst", "weights_converter", "tools"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
            if '\nif __name__ == "__main__"' not in text or name in EXEMPT:
                continue
            if found := re.search(r'run_program\("(\w+)"\)', text):
                text = (ROOT / f"nst/cli/{found[1]}.py").read_text(encoding="utf-8")
            elif found := re.search(r"from (\S+) import main\n", text):
                text = (ROOT / f"{found[1].replace('.', '/')}.py").read_text(encoding="utf-8")
            yield name, text


def test_every_program_survives_its_output():
    found = dict(programs())
    assert len(found) > 15
    assert [name for name, text in found.items() if "robust_stdio()" not in text] == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="what is full elsewhere")
@pytest.mark.parametrize("command, ending, status", COMMANDS)
def test_output_to_nowhere(command, ending, status):
    """What is left of stderr has no traceback."""
    script = f"{sys.executable} -m {command} {ending}; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert done.stdout == f"{status}\n"
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
