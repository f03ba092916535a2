"""Run commands of pages as a reader would, with this Python and without this user's files."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.site.pages import ROOT


def run_command(command: str, folder: str | Path, more: Sequence[str] = ()) -> str:
    """Run `python …` of a page in a folder, which is also its home; returns what it printed.

    Parameters
    ----------
    more : further arguments.

    Raises
    ------
    CalledProcessError
        The command failed.
    """
    python, *arguments = shlex.split(command)
    assert python == "python", command
    return subprocess.run([sys.executable, *arguments, *more], cwd=folder, check=True,
                          env={"PATH": "", "PYTHONPATH": str(ROOT), "HOME": str(folder)},
                          capture_output=True, text=True).stdout
