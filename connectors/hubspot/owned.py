"""The properties that are ours, in a module of its own: receive needs no more than this."""

PREFIX = "emtiaz_"
"""Of every property that is ours. None of them may ever be an input of a score."""
