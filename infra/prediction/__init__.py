"""Predictions on this machine alone: from a file to fitted models, forecasts and pictures."""
