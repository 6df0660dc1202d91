"""The figures of the project, measured: ``make bench``."""
