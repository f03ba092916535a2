"""Wrong answers to the exercises, written from the pages alone by readers who never ran a check.

`wrong/stepNN.toml` holds them with what is wrong, in words. They were committed before the
diagnosis of the checks was worked on, and are not changed. The diagnosis was worked on with 200 of
them, drawn at random; the others were not looked at, and show how well it does on mistakes that
nobody had in mind.
"""

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("wrong")
DRAWN = 200


@dataclass(frozen=True)
class Submission:
    """A wrong answer.

    Attributes
    ----------
    step : its number.
    name, mistake : what is wrong, in short and in full.
    code : the definitions that it puts in place of the right ones.
    """

    step: int
    name: str
    mistake: str
    code: str

    def __str__(self):
        return f"{self.step:02} {self.name}"


def all_submissions():
    return [Submission(int(path.stem[4:]), **entry) for path in sorted(FOLDER.glob("step*.toml"))
            for entry in tomllib.loads(path.read_text(encoding="utf-8"))["wrong"]]


def drawn():
    """The 200 that the diagnosis was worked on with."""
    return random.Random(200).sample(all_submissions(), DRAWN)
