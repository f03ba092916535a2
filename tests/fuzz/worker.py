"""The process that reads files: by coverage where `atheris` is installed, or by structure alone.

It writes each input to a file before it reads it. If the process dies, its parent keeps that file.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

INSTRUMENTED = ("minigrad", "nst", "weights_converter", "tomllib", "tifffile", "PIL")
# Where coverage is not counted, which more than doubles the time: HDF5 has runs of its own.
UNCOUNTED = {"checkpoint": ("minigrad.hdf5",)}
MAX_CHANGES = 4


def main(reader: str, engine: str, executions: int, seed: int, folder: Path,
         files: list[Path]) -> None:
    """Run one reader.

    Parameters
    ----------
    reader : str
        A name of `tests.fuzz.targets.TARGETS`.
    engine : str
        "atheris", "structure", or "files" to read the given files only.
    executions, seed : int
    folder : Path
        An empty folder for the inputs, best in memory.
    files : list of Path
        What to read, instead of or beside the corpus.
    """
    atheris = importlib.import_module("atheris") if engine == "atheris" else None
    targets = _import_targets(atheris, UNCOUNTED.get(reader, ()))
    target = targets.TARGETS[reader]()
    from tests.fuzz import limits
    limits.install()
    (folder / "run").mkdir()
    (folder / "own").mkdir()
    seeds = [*target.begin(folder / "own"), *targets.seeds(reader)]
    if any(len(seed) > target.max_bytes for seed in seeds):
        raise ValueError(f"a seed is longer than {target.max_bytes:,} bytes, and would be cut off")
    seeds += [file.read_bytes() for file in files]
    execute = _executor(target, folder / "run", limits)
    _report("memory before", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10)
    if engine == "files":
        for file in files:
            execute(file.read_bytes())
    elif atheris is None:
        _run_structure(execute, target, seeds, executions, seed)
    else:
        _run_atheris(atheris, execute, target, seeds, executions, seed, folder)


def _import_targets(atheris: Any, uncounted: Sequence[str]) -> Any:
    if atheris is None:
        return importlib.import_module("tests.fuzz.targets")
    # What the changes need as well is imported before: it would be counted, and become slow.
    importlib.import_module("tests.fuzz.mutators.archives")
    with atheris.instrument_imports(include=list(INSTRUMENTED), exclude=list(uncounted)):
        return importlib.import_module("tests.fuzz.targets")


def _executor(target: Any, folder: Path, limits: Any) -> Callable[[bytes], None]:
    """The function that writes one input, and reads it within limits."""
    path = folder / target.name
    slowest = 0.05

    def execute(data: bytes) -> None:
        nonlocal slowest
        target.write(path, data)
        began = time.process_time()
        with limits.limited():
            target.read(path)
        seconds = time.process_time() - began
        if seconds > 1.2 * slowest:
            slowest = seconds
            _report("slowest", f"{seconds:.3f}")

    return execute


def _report(name: str, value: object) -> None:
    """Say something to the parent."""
    sys.stderr.write(f"== {name}: {value}\n")
    sys.stderr.flush()


def _run_structure(execute: Callable[[bytes], None], target: Any, seeds: list[bytes],
                   executions: int, seed: int) -> None:
    """Read every seed, then seeds with a few changes, which know the format's structure."""
    from tests.fuzz.mutators.basic import mutate_bytes

    random = Random(seed)
    for data in seeds[:executions]:
        execute(data)
    for _ in range(executions - len(seeds)):
        data = random.choice(seeds)
        for _ in range(random.randint(1, MAX_CHANGES)):
            data = target.mutate(random, data, mutate_bytes)
        execute(data[: target.max_bytes])


def _run_atheris(atheris: Any, execute: Callable[[bytes], None], target: Any, seeds: list[bytes],
                 executions: int, seed: int, folder: Path) -> None:
    """Let libFuzzer choose what to change, from what reached new code."""
    def leaf(random: Random, data: bytes) -> bytes:
        return atheris.Mutate(data, target.max_bytes) if data else random.randbytes(8)

    def begin(data: bytes) -> None:
        nonlocal read
        _mend_comparisons(atheris)
        read = execute
        execute(data)

    read = begin

    def mutate(data: bytes, max_size: int, number: int) -> bytes:
        return target.mutate(Random(number), bytes(data), leaf)[:max_size]

    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(data)
    # Time and memory are limited here, not by libFuzzer, which counts seconds of the clock.
    atheris.Setup(["fuzz", f"-runs={executions}", f"-seed={seed}", f"-max_len={target.max_bytes}",
                   "-timeout=86400", "-rss_limit_mb=0", "-len_control=0", "-print_final_stats=1",
                   f"-artifact_prefix={folder}{os.sep}", str(corpus)],
                  lambda data: read(data), custom_mutator=mutate)
    atheris.Fuzz()


def _mend_comparisons(atheris: Any) -> None:
    """Give back what atheris 3.0 keeps: one reference to the result of each traced comparison.

    Without this, every array that a comparison returns would stay in memory. Only a run that has
    begun can be mended, because atheris chooses its functions then.
    """
    traced = atheris._trace_cmp
    ones, equal = np.ones(2), 2         # the number of == among the operations
    if sys.getrefcount(traced(ones, ones, equal, 0, False)) == sys.getrefcount(ones == ones):
        return
    give_back = ctypes.pythonapi.Py_DecRef
    give_back.argtypes, give_back.restype = [ctypes.py_object], None

    def trace(one: object, other: object, operation: int, counter: int, constant: bool) -> object:
        result = traced(one, other, operation, counter, constant)
        if result is not True and result is not False:
            give_back(result)
        return result

    atheris._trace_cmp = trace


if __name__ == "__main__":
    reader, engine, executions, seed, folder, *files = sys.argv[1:]
    main(reader, engine, int(executions), int(seed), Path(folder), list(map(Path, files)))
