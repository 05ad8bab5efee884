"""Why an operator is not read."""

from __future__ import annotations

_REASONS = {
    "it is not piecewise linear; wanted a function with linear pieces, such as ReLU": (
        "gelu silu sigmoid log_sigmoid_forward tanh softplus elu celu selu mish hardswish exp log "
        "_softmax _log_softmax pow sqrt rsqrt square sin cos erf reciprocal logaddexp logsumexp "
        "glu expm1 log1p log2 exp2 sinh cosh atan"
    ),
    "it divides by a norm or deviation of its input, which is not piecewise linear; "
    "wanted a batch norm in evaluation mode": (
        "native_layer_norm native_group_norm _fused_rms_norm linalg_vector_norm var std var_mean "
        "std_mean norm cudnn_batch_norm"
    ),
    "it multiplies values that depend on the input; wanted products with constants": (
        "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention "
        "_scaled_dot_product_flash_attention _scaled_dot_product_attention_math prod cumprod"
    ),
    "it jumps where values pass a limit; wanted a continuous function, such as relu or maximum": (
        "gt ge lt le eq ne sign sgn heaviside round floor ceil trunc frac hardshrink argmax argmin "
        "sort topk isnan isinf isfinite bitwise_not logical_not signbit fmod remainder "
        "floor_divide nonzero"
    ),
}

DECISIONS = frozenset(["_local_scalar_dense", "equal", "is_nonzero"])
"""Operators that give Python a value."""

DECIDES = (
    "it gives Python a value that depends on the input, which cannot be traced; wanted a forward "
    "whose control flow does not depend on data"
)

CHANCE = "it draws random numbers; wanted a module without chance"

_BY_NAME = {name: why for why, names in _REASONS.items() for name in names.split()}


def reason(name: str, by_chance: bool) -> str:
    """Return why an operator is not read, and what would be."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if by_chance:
        return CHANCE
    return (
        f"the operator {name!r} is unknown here; "
        "wanted affine maps and functions with linear pieces"
    )
