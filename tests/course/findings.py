"""What a step's checks say first to a file that is wrong."""

from course import catalogue
from course.grading.checks import check_source


def first_finding(number, source):
    """The text of the first finding; the file must have one."""
    verdict = check_source(catalogue.step(number), source, "mine.py", until_first=True)
    assert verdict.findings, "it passed"
    return verdict.findings[0].text
