"""Print the CUDA architecture of this machine's GPU as CMake names it, such as 90a-real.

Exits with a message where there is no GPU.
"""

import sys

import torch

if not torch.cuda.is_available():
    sys.exit(f"torch {torch.__version__} finds no CUDA device: this needs a machine with a GPU")
major, minor = torch.cuda.get_device_capability()
print(f"{major}{minor}{'a' if (major, minor) == (9, 0) else ''}-real")
