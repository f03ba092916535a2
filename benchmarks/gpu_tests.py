"""Run the GPU tests in many processes, so that a sticky CUDA error affects only one of them.

    python benchmarks/gpu_tests.py --limit 120 --logs out/

pytest collects once. Then each file's tests are divided among processes, at most `--max-tests`
in each; the most informative files come first. For each process a line is printed, and a log and
a JUnit file are written to the folder of the logs. The exit status is 1 if a test failed or did
not run.
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

# The most informative files start first.
FIRST_FILES = ("minigrad/kernels/cuda", "minigrad/test_cuda", "/test_gpu",
               "minigrad/ops/test_operations")
FOLDERS = ("tests/minigrad", "tests/nst", "tests/examples")
MIN_SECONDS = 3.0       # no process is started with less time left
DUMP_SECONDS = 60       # after which a hanging test prints its stack
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m",
          "gpu and not slow", "-o", "addopts=--import-mode=importlib --strict-markers"]


@dataclass
class Batch:
    """A share of the tests of one file, which one process runs, and how it ended."""

    file: str
    share: str                  # "2/3": the second of three
    tests: int
    ended: str = "not started"
    summary: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of its log, without the extension."""
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
        """Run all batches, `--processes` at a time."""
        with ThreadPoolExecutor(self.given.processes) as pool:
            try:
                list(pool.map(self._one, batches))
            finally:
                self.end = 0.0
                for process in list(self.running):
                    _kill(process)

    def _one(self, batch: Batch) -> None:
        left = min(self.given.max_seconds, self.end - time.monotonic())
        if left < MIN_SECONDS:
            return
        log = self.given.logs / f"{batch.name}.txt"
        command = [*PYTEST, "--tb=short", "-rfE", "-o", f"faulthandler_timeout={DUMP_SECONDS}",
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
    """Return the number of GPU tests in each file.

    Raises
    ------
    ArgumentError : there are none, or pytest failed; the message ends with pytest's last output.
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
    """Divide each file's tests into batches of at most `limit`, most informative files first."""
    def rank(file: str) -> tuple[bool, int]:
        return not any(part in file for part in FIRST_FILES), -files[file]

    return [Batch(file, f"{number}/{shares}", len(range(number - 1, files[file], shares)))
            for file in sorted(files, key=rank)
            for shares in [-(-files[file] // limit)]
            for number in range(1, shares + 1)]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    made = Parser(hint=common.HINT, prog="gpu_tests", description=__doc__.partition("\n")[0],
                  epilog=__doc__.partition("\n")[2])
    made.add_argument("files", nargs="*", help=f"files or folders (default: {' '.join(FOLDERS)})")
    made.add_argument("--logs", type=Path, required=True, metavar="FOLDER",
                      help="created if needed")
    made.add_argument("--limit", type=float, default=120.0, metavar="SECONDS",
                      help="time for all tests (default: 120)")
    made.add_argument("--max-seconds", type=float, default=100.0, metavar="SECONDS",
                      help="time for one process (default: 100)")
    made.add_argument("--max-tests", type=common.positive, default=60, metavar="N",
                      help="tests in one process (default: 60)")
    made.add_argument("--processes", type=common.positive, metavar="N",
                      default=max(2, common.cores() - 3),
                      help="processes at a time (default: all cores but three)")
    made.add_argument("--play", action="store_true", help="simulate the GPU on the host")
    return made.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)
    given.logs = given.logs.resolve()
    given.logs.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runner = Runner(given)          # starts the clock
    work = batches(collect(given), given.max_tests)
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
