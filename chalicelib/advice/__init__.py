"""What a connection's history says of its policy. Pure: facts, a page and an instant in.

Everything is looked at as of a cutoff, and held against who bought after it. What is found is
association: nobody has tried what happens if a rule changes.
"""
