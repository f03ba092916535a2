"""The tests for a GPU, many processes at a time: one CUDA error that stays loses one of them.

    python benchmarks/gpu_tests.py --limit 120 --logs out/

pytest collects once; each file's tests are dealt out to processes of their own, at most
`--most-tests` to each, and the files that say most come first. Each process ends with a line, a
log and a JUnit file in the folder of the logs. Exit status 1 if a test failed or was not run.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import common

from minigrad.command_line import Parser
from minigrad.errors import ArgumentError

# Files that reveal most start first.
FIRST = ("minigrad/kernels/cuda", "minigrad/test_cuda", "/test_gpu", "minigrad/ops/test_operations")
FOLDERS = ("tests/minigrad", "tests/nst", "tests/examples")
MIN_SECONDS = 3.0       # left; with less a process is not started
HANGING = 60            # seconds after which a test says where it is
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m",
          "gpu and not slow", "-o", "addopts=--import-mode=importlib --strict-markers"]


@dataclass
class Batch:
    """A share of the tests of one file, which one process runs, and how it ended."""

    file: str
    share: str                  # "2/3": the second of three
    tests: int
    ended: str = "not begun"
    summary: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For its log."""
        parts = [*Path(self.file).with_suffix("").parts[1:], *self.share.split("/")]
        return "_".join(parts[:-2] if self.share == "1/1" else parts)


class Runner:
    """Runs batches until there is no time left."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.end = time.monotonic() + given.limit
        self.running: set[subprocess.Popen] = set()
        self.lock = threading.Lock()

    def run(self, batches: list[Batch]) -> None:
        """All of them, `--processes` at a time."""
        with ThreadPoolExecutor(self.given.processes) as pool:
            try:
                list(pool.map(self._one, batches))
            finally:
                self.end = 0.0
                for process in list(self.running):
                    _kill(process)

    def _one(self, batch: Batch) -> None:
        left = min(self.given.most, self.end - time.monotonic())
        if left < MIN_SECONDS:
            return
        log = self.given.logs / f"{batch.name}.txt"
        command = [*PYTEST, "--tb=short", "-rfE", "-o", f"faulthandler_timeout={HANGING}",
                   "--junitxml", str(log.with_suffix(".xml")), "--share", batch.share, batch.file]
        if self.given.play:
            command.append("--play-gpu")
        start = time.monotonic()
        with open(log, "w", encoding="utf-8") as file:
            process = subprocess.Popen(command, cwd=common.ROOT, stdout=file,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            self.running.add(process)
            try:
                batch.ended = f"status {process.wait(left)}"
            except subprocess.TimeoutExpired:
                batch.ended = "stopped"
            finally:
                _kill(process)
                process.wait()
                self.running.discard(process)
        text = log.read_text(encoding="utf-8", errors="replace")
        batch.summary = (text.strip().splitlines() or [""])[-1][:150]
        batch.failures = re.findall(r"^(?:FAILED|ERROR) .*", text, re.MULTILINE)
        with self.lock:
            print(f"   {batch.ended} after {time.monotonic() - start:.0f} s, {batch.name}: "
                  f"{batch.summary}", flush=True)


def _kill(process: subprocess.Popen) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def collect(given: argparse.Namespace) -> dict[str, int]:
    """How many tests for a GPU each file has.

    Raises
    ------
    ArgumentError : there are none, or pytest fails; with what it said last.
    """
    command = [*PYTEST, "--collect-only", *(given.files or FOLDERS)]
    done = subprocess.run(command + ["--play-gpu"] * given.play, cwd=common.ROOT,
                          capture_output=True, text=True, timeout=given.limit)
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    if done.returncode or not tests:
        raise ArgumentError(f"pytest collects no tests (status {done.returncode}): "
                            + " ".join((done.stdout + done.stderr).split())[-300:])
    return Counter(test.partition("::")[0] for test in tests)


def batches(files: dict[str, int], limit: int) -> list[Batch]:
    """Each file's tests in shares of at most `limit`, the files that say most first."""
    def rank(file: str) -> tuple[bool, int]:
        return not any(part in file for part in FIRST), -files[file]

    return [Batch(file, f"{number}/{shares}", len(range(number - 1, files[file], shares)))
            for file in sorted(files, key=rank)
            for shares in [-(-files[file] // limit)]
            for number in range(1, shares + 1)]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    made = Parser(hint=common.HINT, prog="gpu_tests", description=__doc__.partition("\n")[0],
                  epilog=__doc__.partition("\n")[2])
    made.add_argument("files", nargs="*", help=f"files or folders (default: {' '.join(FOLDERS)})")
    made.add_argument("--logs", type=Path, required=True, metavar="FOLDER", help="is made")
    made.add_argument("--limit", type=float, default=120.0, metavar="SECONDS", help="for all (120)")
    made.add_argument("--most", type=float, default=100.0, metavar="SECONDS",
                      help="for one process (100)")
    made.add_argument("--most-tests", type=common.positive, default=60, metavar="N",
                      help="in one process (60)")
    made.add_argument("--processes", type=common.positive, metavar="N",
                      default=max(2, common.cores() - 3), help="at a time (all cores but three)")
    made.add_argument("--play", action="store_true", help="the host plays the GPU")
    return made.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)
    given.logs = given.logs.resolve()
    given.logs.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runner = Runner(given)          # its clock begins
    work = batches(collect(given), given.most_tests)
    print(f"{sum(batch.tests for batch in work)} tests in {len(work)} processes", flush=True)
    runner.run(work)
    wrong = [batch for batch in work if batch.ended != "status 0"]
    failures = sorted({line for batch in work for line in batch.failures})
    print("\n".join([f"failed: {len(failures)}", *failures[:100]]))
    for batch in wrong:
        print(f"{batch.name}, {batch.tests} tests: {batch.ended}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(common.run("gpu_tests", main))
