"""``python -m nst.evaluate``; see :mod:`nst.cli.evaluate`."""

import sys

from nst.cli.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
