"""The vocabulary of Emtiaz. Standard library only; imports nothing else of the project."""
