"""One short readable program for each system that the seed documents describe.

They are not installed: run `python -m examples.NAME` in the checkout's folder; `--help` lists the
options.
"""
