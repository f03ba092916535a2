"""The last lines of a run of the oracle: how many entries and samples were compared.

The run fails if too many of all samples were excepted or refused; each entry has a limit of its
own in the tests.
"""

from collections import Counter

import pytest

MAX_SHARE = 0.02
COUNTED = ("passed", "excepted", "refused", "differs")


def _counts(terminalreporter, name):
    """Entries and samples by outcome, over all processes of the run."""
    entries, total = 0, Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                counts = dict(report.user_properties).get(name)
                if counts:
                    entries += 1
                    total.update(counts)
    return entries, total


def _share(total):
    """The share of samples that were excepted or refused."""
    samples = sum(total[outcome] for outcome in COUNTED)
    return (total["excepted"] + total["refused"]) / max(1, samples)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(session.config, "workerinput") and exitstatus == 0 \
            and _share(_counts(reporter, "oracle")[1]) > MAX_SHARE:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    entries, total = _counts(terminalreporter, "oracle")
    if entries:
        samples = sum(total[outcome] for outcome in COUNTED)
        terminalreporter.write_line(
            f"oracle: {entries} entries, {samples} samples: "
            + ", ".join(f"{total[outcome]} {outcome}" for outcome in COUNTED)
            + f"; excepted or refused {100 * _share(total):.2f} %, at most {100 * MAX_SHARE:g} %")
    entries, total = _counts(terminalreporter, "mistakes")
    if entries:
        terminalreporter.write_line(
            f"oracle: {entries} entries with mistakes: {total['passed']} refused in a sentence, "
            f"{total['allowed']} allowed by a row of the deliberate differences")
