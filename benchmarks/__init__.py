"""Programs that measure this project, most of them in comparison with PyTorch; see README.md."""

import sys
from pathlib import Path

# The programs are run as files, so they import their helpers by plain names. This makes these
# imports work with `python -m benchmarks.NAME` as well.
sys.path.insert(0, str(Path(__file__).parent))
