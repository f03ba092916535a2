"""Runs of nst.run in forked processes, which need not import everything again.

Each is the leader of a process group, as a program that a shell or a scheduler starts.
"""

import json
import subprocess
import sys
from pathlib import Path

# Reads commands as JSON, one a line: {"start": arguments, "folder": path}, or {"wait": pid}.
ZYGOTE = """
import json, os, signal, sys
from nst.cli import run

def child(folder, arguments):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT
                      else signal.default_int_handler)
    os.chdir(folder)
    for descriptor, name in ((0, os.devnull), (1, "said"), (2, "errors")):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
    sys.stdin = open(os.devnull)
    status = run.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

running = set()
for line in sys.stdin:
    command = json.loads(line)
    if "start" in command:
        ready, told = os.pipe()
        answer = os.fork()
        if not answer:
            try:
                os.setsid()
                os.close(told)
                child(command["folder"], command["start"])
            except BaseException as error:
                os.write(2, f"Traceback {error!r}".encode())
                os._exit(99)
        running.add(answer)
        os.close(told)
        os.read(ready, 1)           # nothing, as soon as the group can be signalled
        os.close(ready)
    else:
        answer = os.waitstatus_to_exitcode(os.waitpid(command["wait"], 0)[1])
        running.discard(command["wait"])
    print(answer, flush=True)
for process in running:         # the tests have ended, or were killed themselves
    os.killpg(process, signal.SIGKILL)
"""


class ForkedRuns:
    """Starts runs and waits for them; a context that ends all of them.

    Parameters
    ----------
    environment : dict
        Of the runs.
    """

    def __init__(self, environment):
        self.zygote = subprocess.Popen([sys.executable, "-c", ZYGOTE], env=environment, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.zygote.stdin.close()       # which ends what still runs
        self.zygote.wait()
        self.zygote.stdout.close()

    def _ask(self, **command):
        self.zygote.stdin.write(json.dumps(command) + "\n")
        self.zygote.stdin.flush()
        return int(self.zygote.stdout.readline())

    def start(self, folder, *arguments):
        """Start a run in a folder; returns the number of its process."""
        Path(folder).mkdir(exist_ok=True)
        return self._ask(folder=str(folder), start=[str(one) for one in arguments])

    def wait(self, process):
        """Wait for a run; returns its exit status, negative for a signal that killed it."""
        return self._ask(wait=process)
