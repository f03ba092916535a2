"""Fuzz one reader: python -m tests.fuzz READER --executions N.

The reader runs in a process of its own. Whatever ends that process early is a failure: an
exception that is not ours, a crash, more than ten seconds of the processor, more than a gigabyte
of memory. Then the input is kept as a file, which `--file` reads again.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

READERS = ("pickle", "npz", "safetensors", "mat", "hdf5", "tfjs", "zip", "small", "checkpoint",
           "picture", "toml", "json")
ROOT = Path(__file__).parents[2]
SHOWN = 40              # lines of a failure


@dataclass
class Run:
    """What one run came to.

    Attributes
    ----------
    executions : int
        Files that were read.
    coverage : int
        Edges of our code and of the libraries in Python that were reached.
    last_new : int
        The execution at which the last new edge was reached.
    seconds : float
        Of the processor.
    slowest : float
        Seconds of the processor of the slowest execution, or an upper bound of them.
    memory : int
        Bytes by which the process grew, at the highest.
    failure : str or None
        Why it ended early.
    """

    reader: str
    engine: str
    seed: int
    executions: int = 0
    coverage: int = 0
    last_new: int = 0
    seconds: float = 0.0
    slowest: float = 0.06
    memory: int = 0
    failure: str | None = None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; status 1 if something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("reader", choices=[*READERS, "all", "faults"])
    parser.add_argument("--executions", type=int, default=10_000, metavar="N")
    parser.add_argument("--engine", choices=["atheris", "structure"],
                        help="by default atheris, where it is installed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", type=Path, nargs="+", default=[],
                        help="read these files only")
    parser.add_argument("--corpus", type=Path, metavar="FOLDER",
                        help="begin with the files that earlier runs found, and add those of this "
                             "run (atheris only)")
    parser.add_argument("--crashes", type=Path, default=Path("out/crashes"),
                        help="where to keep an input that failed")
    options = parser.parse_args(arguments)
    engine = options.engine or (
        "atheris" if importlib.util.find_spec("atheris") else "structure")
    failed = False
    for reader in READERS if options.reader == "all" else [options.reader]:
        run = fuzz(Run(reader, "files" if options.file else engine, options.seed),
                   options.executions, options.crashes, options.file, options.corpus)
        print(json.dumps(asdict(run)), flush=True)
        failed = failed or run.failure is not None
    return int(failed)


def fuzz(run: Run, executions: int, crashes: Path, files: list[Path],
         corpus: Path | None = None) -> Run:
    """Run one reader in a process, and complete `run`."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = Path(tempfile.mkdtemp(prefix="fuzz", dir=memory))
    if corpus is not None and corpus.is_dir():
        shutil.copytree(corpus, folder / "corpus")
    command = [sys.executable, "-m", "tests.fuzz.worker", run.reader, run.engine, str(executions),
               str(run.seed), str(folder), *(str(file.resolve()) for file in files)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    try:
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE,
                              text=True, errors="replace") as process:
            assert process.stderr is not None
            tail = _follow(process.stderr, run)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        run.seconds = round(used.ru_utime + used.ru_stime, 1)
        run.memory = max(0, (used.ru_maxrss << 10) - run.memory)
        if corpus is not None and (folder / "corpus").is_dir():
            shutil.copytree(folder / "corpus", corpus, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("seed*"))     # those come with each run
        if process.returncode == 0:
            run.executions = run.executions or executions
        else:
            _fail(run, process.returncode, tail, folder / "run", crashes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return run


def _follow(stream: IO[str], run: Run) -> list[str]:
    """Read what the process says; the last lines that are not progress."""
    tail: list[str] = []
    for line in stream:
        progress = re.match(r"#(\d+)\s+\w+\s+cov: (\d+)", line)
        told = re.match(r"== ([\w ]+): ([\d.]+)", line)
        final = re.match(r"stat::number_of_executed_units: (\d+)", line)
        if progress:
            if int(progress[2]) > run.coverage:
                run.coverage, run.last_new = int(progress[2]), int(progress[1])
        elif told and told[1] == "slowest":
            run.slowest = float(told[2])
        elif told:
            run.memory = int(told[2])
        elif final:
            run.executions = int(final[1])
        elif line.strip() and not line.startswith(("INFO:", "WARNING:", "stat::")):
            tail = [*tail[-SHOWN:], line.rstrip()]
    return tail


def _fail(run: Run, status: int, tail: list[str], folder: Path, crashes: Path) -> None:
    """Keep the input that ended a process, and say why."""
    died = signal.Signals(-status).name if status < 0 else f"status {status}"
    run.failure = f"{died}: {tail[-1][:300] if tail else 'no message'}"
    print("\n".join(tail), file=sys.stderr)
    if folder.is_dir() and any(folder.iterdir()):
        kept = crashes / f"{run.reader}-{time.strftime('%H%M%S')}-{os.getpid()}"
        shutil.copytree(folder, kept)
        print(f"the input is kept in {kept}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
