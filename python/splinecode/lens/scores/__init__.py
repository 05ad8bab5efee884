"""Scores of networks, units and inputs from their codes."""
