"""Examples are run as their readers run them: as processes."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_example(tmp_path):
    """``run_example("perceptron", "--seed", 3)`` gives the finished process.

    ``as_file=True`` runs it by its path; ``without`` names a package that cannot be imported.
    """
    def run(name, *arguments, as_file=False, without=None, cwd=tmp_path):
        file = REPOSITORY / "examples" / name       # a package, or a module
        target = [str(file if file.is_dir() else file.with_suffix(".py"))] if as_file \
            else ["-m", f"examples.{name}"]
        if without:
            code = (f"import runpy, sys; sys.modules[{without!r}] = None; "
                    f"sys.argv[1:] = {list(map(str, arguments))!r}; "
                    f"runpy.run_module('examples.{name}', run_name='__main__')")
            command = [sys.executable, "-c", code]
        else:
            command = [sys.executable, *target, *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False,
                              encoding="utf-8", timeout=120,
                              env=environment(REPOSITORY if not as_file else None))
    return run


def environment(path):
    """This environment, in UTF-8, with the repository importable (also where it is installed)."""
    import os
    values = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    values.pop("PYTHONPATH", None)
    return values if path is None else {**values, "PYTHONPATH": str(path)}
