"""Files that hold what happened before a shop was connected: as facts, or as a table of sales."""
