"""Stand-ins for the clouds and the CRMs, for the demo and the tests."""
