"""Loyalty offline: facts and what customers ask for, played through time without any AWS."""
