"""Fitted models, asked about one customer or lead. Pure, standard library only."""
