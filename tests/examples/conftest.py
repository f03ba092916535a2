"""Ways to run an example: as its readers do, in a process, or quicker; a network for quick runs."""

import contextlib
import functools
import io
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import narrow_vgg
import pytest

from nst.model import weights

REPOSITORY = Path(__file__).resolve().parents[2]
load = weights.load


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


@pytest.fixture
def run_file(tmp_path, monkeypatch):
    """``run_file("perceptron", "--help")`` is like ``run_example(..., as_file=True)``, in here.

    The example must find the repository: neither the path nor a loaded module helps it.
    """
    def run(name, *arguments):
        file = REPOSITORY / "examples" / name
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        elsewhere = [part for part in sys.path if Path(part).resolve() != REPOSITORY]
        monkeypatch.setattr(sys, "path", elsewhere)
        out, err = io.StringIO(), io.StringIO()
        with (_not_imported("examples"), contextlib.redirect_stdout(out),
              contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stop):
            runpy.run_path(str(file if file.is_dir() else file.with_suffix(".py")),
                           run_name="__main__")
        return SimpleNamespace(returncode=stop.value.code, stdout=out.getvalue(),
                               stderr=err.getvalue())
    return run


@contextlib.contextmanager
def _not_imported(package):
    """Within a `with` block the package is imported anew."""
    parts = [name for name in sys.modules if name.partition(".")[0] == package]
    before = {name: sys.modules.pop(name) for name in parts}
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        sys.modules.update(before)


@pytest.fixture(scope="session")
def load_narrow():
    """`nst.model.weights.load`, with an eighth of VGG19's channels where weights are random.

    So a run takes a fraction of the time. Every network is made once.
    """
    return functools.cache(_load_narrow)


def _load_narrow(source, deepest, device):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "random_weights", narrow_vgg.random_weights)
        return load(source, deepest, device)


def environment(path):
    """This environment, in UTF-8, with the repository importable (also where it is installed)."""
    import os
    values = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    values.pop("PYTHONPATH", None)
    return values if path is None else {**values, "PYTHONPATH": str(path)}
