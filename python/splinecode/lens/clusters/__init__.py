"""Groups of inputs that are about one thing: clusters of codes and activations, directions.

`method` says what a way of grouping is, `code_clusters` and `activation_groups` hold them;
`stability` and `labelled` judge groups, `comparison` puts all side by side.
"""

from .comparison import monosemanticity
from .labelled import LabelAgreement
from .result import Grouping, Monosemanticity

__all__ = ["Grouping", "LabelAgreement", "Monosemanticity", "monosemanticity"]
