"""``python -m nst.evaluate``; see :mod:`nst.cli.evaluate`."""

from nst.system.entry import run_program

if __name__ == "__main__":
    run_program("evaluate")
