"""Means, effect sizes and their intervals."""
