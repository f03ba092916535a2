"""``python -m nst``: names the programs."""

import sys

from minigrad.stdio import robust_stdio

PROGRAMS = """\
nst: choose one of these programs:
  python -m nst.run        paint one picture in the style of others
  python -m nst.batch      paint the pictures of a folder
  python -m nst.compare    paint one picture with several settings, on one sheet
  python -m nst.evaluate   measure a result
Each lists its options with --help.
"""

if __name__ == "__main__":
    helped = sys.argv[1:] in (["-h"], ["--help"])
    with robust_stdio():
        print(PROGRAMS, end="", file=sys.stdout if helped else sys.stderr)
    sys.exit(0 if helped else 2)
