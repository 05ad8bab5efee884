"""Models, data and codes from files, as the command line takes them."""

from .codes import load_codes, save_codes
from .data import Data, load_data, load_labels
from .models import load_model

__all__ = ["Data", "load_codes", "load_data", "load_labels", "load_model", "save_codes"]
