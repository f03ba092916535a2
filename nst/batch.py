"""``python -m nst.batch``; see :mod:`nst.cli.batch`."""

import sys

from nst.cli.batch import main

if __name__ == "__main__":
    sys.exit(main())
