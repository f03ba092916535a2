"""Shared parts of the benchmarks: command line, description of the machine, JSON, tables."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import turns

from minigrad.command_line import Parser
from minigrad.errors import ArgumentError, FileError

ROOT = Path(__file__).resolve().parents[1]
HINT = " (see --help)"     # ends the message about a wrong argument
LIBRARIES = ("numpy", "torch", "threadpoolctl")     # whose versions are recorded


def parser(name: str, description: str) -> Parser:
    """Return a parser with `--output`; the first line of `description` is the summary."""
    made = Parser(hint=HINT, prog=name, description=description.partition("\n")[0],
                  epilog=description.partition("\n")[2])
    made.add_argument("--output", type=Path, metavar="FILE.json",
                      help="write all results as JSON, and the table beside it (FILE.md)")
    return made


def add_rounds(made: Parser) -> None:
    """Add the option `--rounds`."""
    made.add_argument("--rounds", type=positive, default=5, metavar="N",
                      help="number of turns of each library (default: 5)")


def add_turns(made: Parser) -> None:
    """Add the options `--rounds` and `--turn`."""
    add_rounds(made)
    made.add_argument("--turn", type=float, default=turns.TURN, metavar="SECONDS",
                      help="minimum duration of a turn; a short task is repeated "
                           f"(default: {turns.TURN})")


def positive(text: str) -> int:
    """Parse a whole number of at least 1, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def picture_size(text: str) -> int:
    """Parse a side in pixels; conv5_1 comes after four poolings and needs at least 16."""
    size = positive(text)
    if size < 16:
        raise argparse.ArgumentTypeError(f"{size} pixels are fewer than the 16 that conv5_1 needs")
    return size


def run(name: str, program: Callable[[Sequence[str] | None], int],
        arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark; report a user's mistake in one sentence with exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")    # a terminal without × must not end the run
    try:
        return program(arguments)
    except (ArgumentError, FileError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130


def require_torch() -> None:
    """Raise ArgumentError if PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise ArgumentError("PyTorch is not installed, but this benchmark compares with it: "
                            "python -m pip install torch==2.13.0")


def check_weights(source: str) -> None:
    """Read the weights once, so that an error is reported here and not in a worker."""
    from nst.model import weights

    weights.load(source, "relu5_1", "cpu")


def weights_name(source: str) -> str:
    """Return the name of the weights for a report, without the folder."""
    return source if source.startswith("random:") else Path(source).name


# ------------------------------------------------------------------------- the machine


def cores() -> int:
    """Return how many cores this process may use; each library gets this many threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name from the system."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def blas() -> str:
    """Return NumPy's BLAS and its kernels, which determine the speed of our matrix products.

    OpenBLAS chooses kernels for the processor, unless the environment variable OPENBLAS_CORETYPE
    overrides the choice.
    """
    import numpy  # noqa: F401  (loads its BLAS)
    import threadpoolctl

    libraries = [library for library in threadpoolctl.threadpool_info()
             if library["user_api"] == "blas"]
    if not libraries:
        return "unknown"
    library = libraries[0]
    kernels = library.get("architecture") or "unknown"
    override = ", by OPENBLAS_CORETYPE" if os.environ.get("OPENBLAS_CORETYPE") else ""
    return f"{library['internal_api']} {library['version']} with {kernels} kernels{override}"


def environment() -> dict[str, Any]:
    """Return processor, cores, operating system, BLAS, versions and load."""
    versions = {"python": platform.python_version()}
    for name in ("minigrad-nst", *LIBRARIES):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {"processor": processor(), "cores": cores(), "system": platform.system(),
            "blas": blas(), "versions": versions, "load_before": _load()}


def _load() -> float | None:
    """Return the one-minute load, which shows whether the machine was idle."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


# -------------------------------------------------------------------------- the report


class Report:
    """The results of one benchmark: each is printed when available, all are written at the end.

    Parameters
    ----------
    name : str
        Name of the benchmark.
    output : Path, optional
        The JSON file; the table is written beside it, with the extension .md.
    columns : dict
        Heading of a column -> function from a result to its text.
    facts : keyword arguments
        Settings shared by all results, saved with the environment.

    Raises
    ------
    ArgumentError, FileError
        The output does not end in .json, or its folder does not exist; raised before any work.
    """

    def __init__(self, name: str, output: Path | None,
                 columns: dict[str, Callable[[dict[str, Any]], str]], **facts: Any) -> None:
        if output is not None:
            if output.suffix != ".json":
                raise ArgumentError(f"the output {output} must end in .json")
            if not output.parent.is_dir():
                raise FileError(f"the folder {output.parent} of the output does not exist; "
                                f"make it first")
        self.name, self.output, self.columns = name, output, columns
        self.environment = {**environment(), **facts}
        self.results: list[dict[str, Any]] = []
        _print_json({"benchmark": name, "environment": self.environment})

    def add(self, result: dict[str, Any]) -> None:
        """Add a result and print it as one line of JSON."""
        self.results.append(result)
        _print_json(result)

    def finish(self, *remarks: str) -> None:
        """Print the table with `remarks` under it, and write the files."""
        print("\n" + "\n\n".join([self._table(), *remarks]), flush=True)
        self.save(*remarks)

    def save(self, *remarks: str) -> None:
        """Write the files, with the results so far."""
        if self.output is None:
            return
        text = "\n\n".join([self._table(), *remarks])
        document = {"benchmark": self.name, "environment": self.environment,
                    "results": self.results, "remarks": list(remarks)}
        machine = self.environment
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items()
                             if version)
        head = (f"# {self.name}\n\n{machine['processor']}, {machine['cores']} cores; {versions}; "
                f"{machine['blas']}; load before: {machine['load_before']}")
        try:
            self.output.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n",
                                   encoding="utf-8")
            self.output.with_suffix(".md").write_text(f"{head}\n\n{text}\n", encoding="utf-8")
        except OSError as error:
            raise FileError(f"the output {self.output} cannot be written: {error.strerror}"
                            ) from None

    def _table(self) -> str:
        rows = [[text(result) for text in self.columns.values()] for result in self.results]
        lines = [list(self.columns), ["---"] * len(self.columns), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def column(key: str, form: str = "", factor: float = 1) -> Callable[[dict[str, Any]], str]:
    """Return a column that shows one key, or "–" if a result lacks it."""
    def text(result: dict[str, Any]) -> str:
        value = result.get(key)
        if value is None:
            return "–"
        return format(value * factor if factor != 1 else value, form)
    return text


def ratio_column(result: dict[str, Any]) -> str:
    """Format the median of the ratio with its minimum and maximum in brackets."""
    return f"**{result['ratio']:.2f}** ({result['ratio_min']:.2f}–{result['ratio_max']:.2f})"
