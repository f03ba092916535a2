"""``python -m nst.compare``; see :mod:`nst.cli.compare`."""

from nst.system.entry import run_program

if __name__ == "__main__":
    run_program("compare")
