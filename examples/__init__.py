"""One short readable program for each system that the seed documents describe.

Run them from the repository as ``python -m examples.NAME``; ``--help`` says what each takes.
"""
