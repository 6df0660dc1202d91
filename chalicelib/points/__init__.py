"""The Points API as callers see it: its keys, its document, what is asked and what is answered."""
