"""Emtiaz: scores the people and companies of a CRM and says why, in the CRM."""
