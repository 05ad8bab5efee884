"""A report on one model: the lens' analyses with figures, as one HTML file that opens offline."""

from .build import lens_report, section_names

__all__ = ["lens_report", "section_names"]
