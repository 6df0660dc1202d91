"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair: timings belong to `make bench`.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

FIGURE = "figure"


def pytest_terminal_summary(terminalreporter):
    """What tests have measured."""
    for report in terminalreporter.getreports("passed"):
        lines = [line for name, line in report.user_properties if name == FIGURE]
        if lines and report.when == "call":
            terminalreporter.section(report.nodeid, "-")
            for line in lines:
                terminalreporter.write_line(line)
