"""Curves through input space, codes along them, plateaus."""
