"""``python -m nst.compare``; see :mod:`nst.cli.compare`."""

import sys

from nst.cli.compare import main

if __name__ == "__main__":
    sys.exit(main())
