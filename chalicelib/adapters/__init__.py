"""AWS behind the ports of ``chalicelib.core.ports``; the only modules that know its SDK."""
