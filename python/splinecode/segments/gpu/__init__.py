"""Exact segments on a GPU.

The engine is that of cpp/sweep, for many segments at once: affine steps are products of whole
matrices by torch on the caller's stream, kinks are kernels of cuda/, which decide by the same code
as the CPU's. The order of reading: `tracks` (what is swept together), `nodes` (a network on some
tracks), `affine`, `pieces` and `maxima` (its steps), `window` and `join` (what is made of it).
"""

from .sweep import free_share, sweep_on_gpu

__all__ = ["free_share", "sweep_on_gpu"]
