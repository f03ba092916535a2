"""``python -m nst.batch``; see :mod:`nst.cli.batch`."""

from nst.system.entry import run_program

if __name__ == "__main__":
    run_program("batch")
