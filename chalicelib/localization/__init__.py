"""How Emtiaz reads and writes for people: letters, numbers, dates, sentences in both languages."""
