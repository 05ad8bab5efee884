"""Boundary density between pairs of inputs."""
