"""``python -m nst.run``; see :mod:`nst.cli.run`."""

import sys

from nst.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
