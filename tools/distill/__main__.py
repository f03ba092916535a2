"""Entry point of `python -m tools.distill`."""

from __future__ import annotations

import sys

from tools.distill.command import main

if __name__ == "__main__":
    sys.exit(main())
