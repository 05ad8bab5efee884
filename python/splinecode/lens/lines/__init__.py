"""Boundary density along rays and directions."""
