"""Short readable programs, one for each system in the four course documents (see docs/seeds.md).

They are not installed: run `python -m examples.NAME` in the checkout's folder. `--help` lists the
options.
"""
