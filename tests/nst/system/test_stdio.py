"""A run goes on when nobody reads any more what it prints."""

import os
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "nst.run", "--weights", "random:0", "--size", "32", "--device",
           "cpu", "--content-layers", "relu2_1", "--style-layers", "relu2_1", "--scales", "1",
           "-o", "out.png"]


def test_a_reader_that_goes_away(environment, pictures, tmp_path):
    """As in `nst.run … | head -1`; the picture is there and the status is that of success."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, pictures), "--iterations", "5"], cwd=tmp_path, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(120) == 0
    assert (tmp_path / "out.png").exists() and (tmp_path / "out.json").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what a terminal does elsewhere")
def test_a_terminal_that_is_closed(environment, pictures, tmp_path):
    """As when a connection breaks: SIGHUP, and nothing can be written to the terminal."""
    pty = pytest.importorskip("pty")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)        # under nohup it is switched off
        command = [*COMMAND, *map(str, pictures), "--iterations", "1000000", "--save-every", "2"]
        os.execve(sys.executable, command, environment)
    deadline = time.monotonic() + 100
    while not (tmp_path / "out-0000002.png").exists():
        assert time.monotonic() < deadline, os.read(terminal, 10_000)
        time.sleep(0.05)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert (tmp_path / "out.png").exists() and (tmp_path / "out.checkpoint.h5").exists()
