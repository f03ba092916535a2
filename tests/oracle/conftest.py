"""The last lines of a run of the oracle: how many entries and samples were compared."""

from collections import Counter

MAX_SHARE = 0.02
COUNTED = ("passed", "excepted", "refused", "differs")


def _counts(terminalreporter):
    """Entries and samples by outcome, over all processes of the run."""
    entries, total = 0, Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                counts = dict(report.user_properties).get("oracle")
                if counts:
                    entries += 1
                    total.update(counts)
    return entries, total


def pytest_terminal_summary(terminalreporter):
    entries, total = _counts(terminalreporter)
    samples = sum(total[outcome] for outcome in COUNTED)
    if samples:
        share = (total["excepted"] + total["refused"]) / samples
        terminalreporter.write_line(
            f"oracle: {entries} entries, {samples} samples: "
            + ", ".join(f"{total[outcome]} {outcome}" for outcome in COUNTED)
            + f"; excepted or refused {100 * share:.2f} %, at most {100 * MAX_SHARE:g} %")
