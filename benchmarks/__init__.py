"""Programs that measure this project, most of them beside PyTorch; see README.md here."""

import sys
from pathlib import Path

# The programs are run as files, so they find their helpers by plain names; this lets
# `python -m benchmarks.NAME` find them, too.
sys.path.insert(0, str(Path(__file__).parent))
