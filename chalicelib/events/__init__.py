"""What shops and apps tell of people, as it comes in: its form, its signature, its schema."""
