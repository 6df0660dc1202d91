"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair: timings belong to `make bench`.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

FIGURE = "figure"

LONGEST = "tests/pipeline/test_interleavings.py"


def pytest_collection_modifyitems(items):
    """What takes longest comes first, or of two workers one would wait for it in the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_terminal_summary(terminalreporter):
    """What tests have measured."""
    for report in terminalreporter.getreports("passed"):
        lines = [line for name, line in report.user_properties if name == FIGURE]
        if lines and report.when == "call":
            terminalreporter.section(report.nodeid, "-")
            for line in lines:
                terminalreporter.write_line(line)
