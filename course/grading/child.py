"""The process in which a reader's code runs. It is started as a script, with no path of ours.

    python -I child.py

It reads one message with the source and the probes, then one for each call, and answers each. Its
time and memory are limited, it can open no file but those of Python and NumPy, start no process and
reach no network. What the code prints goes nowhere; which line printed is told.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import contextlib
import functools
import importlib
import signal
import sysconfig
import types

import raised
import rules
import wire

sys.path.pop(0)

for _name in rules.ALLOWED:
    importlib.import_module(_name)
for _name in ("numpy.fft", "numpy.linalg", "numpy.random", "numpy.ma", "numpy.polynomial"):
    importlib.import_module(_name)

import numpy as np  # noqa: E402  # after the folder of this file has left the path

MEMORY = 2 << 30                # bytes of address space
CPU = 120                       # seconds in all
DENIED = ("os.", "subprocess.", "socket.", "ctypes.", "shutil.", "pty.", "gc.", "signal.",
          "resource.", "mmap.", "sqlite3.", "urllib.", "ftplib.", "webbrowser.", "syslog.",
          "object.__setattr__", "sys.addaudithook", "code.__new__", "pathlib.", "glob.",
          "tempfile.")


class OutOfTime(BaseException):
    """A call took more of the processor's time than it may. No `except Exception` catches this."""


def limit():
    """Limit memory, time and files for good, where the system can."""
    try:
        import resource
    except ImportError:         # Windows: the other process watches the clock
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU),
                       (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):      # macOS cannot limit the address space
            resource.setrlimit(what, (most, most))


def close_doors():
    """Refuse, from now on, every file but those of Python and NumPy, and whatever acts outside."""
    readable = tuple(os.path.realpath(folder) + os.sep for folder in (
        sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["platstdlib"],
        os.path.dirname(np.__file__)))
    realpath, denied = os.path.realpath, DENIED

    def guard(event, arguments):
        if event == "open":
            path, mode = arguments[0], arguments[1]
            name = "" if isinstance(path, int) else realpath(os.fsdecode(path))
            home = max((folder for folder in readable if name.startswith(folder)), key=len,
                       default="")
            if not home or "site-packages" in name[len(home):] or set(mode or "r") - set("rbt"):
                raise PermissionError("a file")
        elif event.startswith(denied):
            raise PermissionError(event)

    sys.addaudithook(guard)


def probes_module(sources):
    """The probes of a step, and those that all steps share, which they can also import."""
    for package in ("course", "course.grading"):
        sys.modules[package] = types.ModuleType(package)
    shared, own = (types.ModuleType(name) for name in ("course.grading.probes", "probes"))
    sys.modules[shared.__name__] = shared
    for source, module in zip(sources, (shared, own)):
        exec(compile(source, "<probes>", "exec"), module.__dict__)
    return types.SimpleNamespace(**{**vars(shared), **vars(own)})


class Reader:
    """The reader's module, and what it did."""

    def __init__(self, name, source, probes):
        self.name = name
        self.printed = {}
        self.module = types.ModuleType("engine")
        self.module.__dict__["__builtins__"] = self._builtins()
        self.probes = probes_module(probes)
        self.source = source

    def load(self):
        exec(compile(self.source, self.name, "exec"), self.module.__dict__)

    def _builtins(self):
        import builtins
        names = dict(vars(builtins))
        ordinary = builtins.__import__

        def guarded_import(module, *rest, **named):
            if not rules.allowed(module):
                raise ImportError(f"it {rules.refusal(module)}")
            return ordinary(module, *rest, **named)

        def recorded_print(*values, sep=" ", **_):
            line = sys._getframe(1).f_lineno
            if line in self.printed:
                self.printed[line][1] += 1
            else:
                self.printed[line] = [(" " if sep is None else sep).join(map(str, values))[:80], 1]

        def refused_input(*_):
            raise EOFError("a check cannot answer input()")

        names.update(__import__=guarded_import, print=recorded_print, input=refused_input)
        return names

    def call(self, probe, arguments):
        return getattr(self.probes, probe)(self.module, *arguments)

    def failure(self, error):
        return raised.failure(error, self.name, self.source)


def run(job, seconds, reader):
    """The answer to one request."""
    timed = hasattr(signal, "setitimer")
    try:
        if timed:
            signal.setitimer(signal.ITIMER_PROF, seconds)
        value = job()
        answer = {"value": wire.encoded(value)}
    except OutOfTime as error:
        answer = {"error": {**reader.failure(error), "type": "OutOfTime"}}
    except BaseException as error:      # also SystemExit and KeyboardInterrupt of the reader's code
        answer = {"error": reader.failure(error)}
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_PROF, 0)
    answer["printed"] = [[line, *what] for line, what in reader.printed.items()]
    return answer


def out_of_time(*_):
    raise OutOfTime


def main():
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, out_of_time)
    wire.send(answers, {"value": "ready"})
    first = wire.receive(requests)
    limit()
    np.seterr(all="ignore")
    reader = Reader(first["name"], first["source"], first["probes"])
    close_doors()
    wire.send(answers, run(reader.load, first["seconds"], reader))
    while (request := wire.receive(requests)) is not None:
        arguments = wire.decoded(request["arguments"])
        job = functools.partial(reader.call, request["probe"], arguments)
        wire.send(answers, run(job, request["seconds"], reader))
    os._exit(0)


if __name__ == "__main__":
    main()
