"""A report on one model: the lens' analyses with figures, as one HTML file that opens offline."""

try:
    from .build import lens_report, section_names
except ModuleNotFoundError as error:
    if error.name not in ("torch", "matplotlib"):
        raise
    raise ImportError(
        f"splinecode.report needs {error.name}: pip install 'splinecode[lens]'"
    ) from error

__all__ = ["lens_report", "section_names"]
