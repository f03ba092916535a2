"""``python -m nst.run``; see :mod:`nst.cli.run`."""

from nst.system.entry import run_program

if __name__ == "__main__":
    run_program("run")
