"""The result of a check in words."""

from __future__ import annotations

from dataclasses import dataclass, field


class Wrong(Exception):
    """A check that the reader's code does not pass.

    Attributes
    ----------
    text : one sentence, or several lines of which the first is the sentence.
    where : the definition that is at fault, such as `multiply` or `Tensor.backward`.
    line : of the reader's file, where it is known better than by `where`.
    """

    def __init__(self, text: str, where: str = "", line: int | None = None) -> None:
        super().__init__(text)
        self.text, self.where, self.line = text, where, line


@dataclass
class Finding:
    """One failed check: its name, what is wrong, and where."""

    check: str
    text: str
    where: str = ""
    line: int | None = None


@dataclass
class Verdict:
    """The result for one file.

    Attributes
    ----------
    filename : of the reader's file, as it is shown.
    passed : the names of the checks that passed.
    findings : what failed. A check after an ended process is not run.
    total : how many checks there are.
    notes : what does no harm but is worth a sentence.
    """

    filename: str
    total: int
    passed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.findings

    def lines(self) -> list[str]:
        """The verdict for a terminal."""
        text = [f"  passed  {name}" for name in self.passed]
        for finding in self.findings:
            text.append(f"  FAILED  {finding.check}")
            place = self.filename
            if finding.line is not None:
                place += f", line {finding.line}"
            if finding.where:
                place += f", {finding.where}"
            first, *rest = finding.text.splitlines()
            text.append(f"          {place}: {first}")
            text += [f"          {line}" for line in rest]
        text += [f"  note    {self.filename}, {note}" for note in self.notes]
        return text
