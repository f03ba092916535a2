"""The tasks that run inside WebAssembly, under a watch for what a browser does not have.

    python guest.py TASK FOLDER

Each task prints figures as JSON in its last line. The exit status is 1 where something went wrong,
or where a thread, h5py or mmap was used.
"""

from __future__ import annotations

import importlib
import importlib.abc
import json
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FORBIDDEN = ("h5py", "mmap")


class Watch(importlib.abc.MetaPathFinder):
    """Refuses forbidden modules and threads, and remembers who asked for them.

    Attributes
    ----------
    used : one line for each attempt, with the place in the project's code.
    """

    def __init__(self) -> None:
        self.used: list[str] = []

    def begin(self) -> None:
        for name in FORBIDDEN:
            sys.modules.pop(name, None)
        sys.meta_path.insert(0, self)
        setattr(threading.Thread, "start", self._no_thread)     # noqa: B010 (mypy knows methods)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Called by Python for each import of something new."""
        if name.partition(".")[0] in FORBIDDEN:
            self._remember(name)
            raise ImportError(f"{name} is forbidden here")

    def _no_thread(self, *_: Any) -> None:
        self._remember("a thread")
        raise RuntimeError("threads are forbidden here")

    def _remember(self, what: str) -> None:
        frames = [frame for frame in traceback.extract_stack() if "/project/" in frame.filename]
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "a library"
        self.used.append(f"{what} was used by {where}")


def check(folder: Path) -> dict[str, Any]:
    """All primitives, in one memory layout of each sample."""
    guards: Any = importlib.import_module("minigrad.check.guards")
    guards.LAYOUTS = dict(list(guards.LAYOUTS.items())[:1])
    return check_in_full(folder)


def check_in_full(folder: Path) -> dict[str, Any]:
    """All primitives, as `python -m minigrad.check` checks them."""
    program = importlib.import_module("minigrad.check.__main__")
    primitives = importlib.import_module("minigrad.core.primitive").registered_primitives()
    if program.main([]):
        raise SystemExit("minigrad.check failed")
    return {"primitives": len(primitives)}


def explain(folder: Path) -> dict[str, Any]:
    """A page on which one steps through the backward pass of a small network."""
    mg = importlib.import_module("minigrad")
    inspect = importlib.import_module("minigrad.inspect")
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.Tanh(), mg.nn.Linear(3, 1))
    loss = mg.functional.mse_loss(model(mg.tensor([[0.5, -1.0]])), mg.tensor([[1.0]]))
    inspect.explain(loss, folder / "page.html", names=model)
    loss.backward()
    return {"loss": loss.item(), "bytes": (folder / "page.html").stat().st_size,
            "gradient": float(mg.optim.clip_grad_norm_(model.parameters(), 1e9))}


def paint(folder: Path) -> dict[str, Any]:
    """A painting of 64 pixels, by the command line; with a convolution in large arrays."""
    memory = importlib.import_module("minigrad.kernels.memory")
    _large_convolution()
    run = importlib.import_module("nst.cli.run")
    status = run.main([str(folder / "scene.png"), str(folder / "painting.png"), "-o",
                       str(folder / "painted.png"), "--size", "64", "--iterations", "5",
                       "--weights", "small"])
    if status:
        raise SystemExit(f"nst.run ended with status {status}")
    record = json.loads((folder / "painted.json").read_text(encoding="utf-8"))
    return {"losses": [step["total"] for step in record["iterations"]],
            "reserved": memory.reserved_bytes()}


def _large_convolution() -> None:
    """Arrays of more than a megabyte come from the kernels' own memory."""
    mg = importlib.import_module("minigrad")
    x = mg.ones(1, 8, 256, 256, requires_grad=True)
    mg.functional.conv2d(x, mg.ones(8, 8, 3, 3), padding=1).sum().backward()
    if x.grad[0, 0, 100, 100].item() != 72:
        raise SystemExit("the gradient of a large convolution is wrong")


TASKS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "check": check, "check_in_full": check_in_full, "explain": explain, "paint": paint}


def main(arguments: Sequence[str]) -> int:
    """Run one task; returns the exit status."""
    task, folder = arguments
    watch = Watch()
    watch.begin()
    found = TASKS[task](Path(folder))
    if watch.used:
        print("\n".join(watch.used), file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
