"""ONNX's pooling operators on arrays: every version of them, with their own conventions.

Indices count in the whole tensor, averages leave the padding out unless told, and norms take
magnitudes. ``import numbapool.onnx`` needs no onnx; `Backend`, which runs whole models, does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import axes, bases, geometry, regions
from .ops import power
from .unpool import scattered

Attributes = dict[str, Any]

PADDINGS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _kernel_shape(attributes: Attributes, dims: int) -> tuple[int, ...]:
    kernel = tuple(attributes.get("kernel_shape") or ())
    if len(kernel) != dims:
        raise ValueError(f"kernel_shape must have {dims} entries, got kernel_shape={kernel}")
    return kernel


def _window(attributes: Attributes, dims: int) -> dict[str, Any]:
    """The arguments of a sliding window."""
    kernel = _kernel_shape(attributes, dims)
    pads = tuple(attributes.get("pads") or (0,) * (2 * dims))
    padding: Any = tuple(zip(pads[:dims], pads[dims:], strict=True))
    automatic = _text(attributes.get("auto_pad", "NOTSET"))
    if automatic not in PADDINGS:
        raise ValueError(f"auto_pad must be one of {', '.join(PADDINGS)}, got {automatic!r}")
    if automatic != "NOTSET":
        padding = automatic.lower()
    return {
        "kernel_size": kernel,
        "stride": tuple(attributes.get("strides") or (1,) * dims),
        "padding": padding,
        "dilation": tuple(attributes.get("dilations") or (1,) * dims),
        "ceil_mode": bool(attributes.get("ceil_mode", 0)),
    }


def _spatial(x: np.ndarray) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


def _max_pool(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
    (x,) = inputs
    dims = x.ndim - 2
    window = _window(attributes, dims)
    if outputs == 1:
        return axes.pool(x, "max", axes=_spatial(x), **window)
    values, plane = axes.pool(x, "max", axes=_spatial(x), return_indices=True, **window)
    base = "tensor_f" if attributes.get("storage_order", 0) else "tensor"
    return values, bases.from_plane(plane, base, x.shape, [geometry.UNIT] * dims)


def _average_pool(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
    (x,) = inputs
    return axes.pool(
        x, "avg", axes=_spatial(x), **_window(attributes, x.ndim - 2),
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
    )  # fmt: skip


def _lp_pool(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
    (x,) = inputs
    window = _window(attributes, x.ndim - 2)
    op = power.lp(float(attributes.get("p", 2)), 1, True)
    return axes.pool(x, op, axes=_spatial(x), **window)


def _global(op: Callable[[Attributes], Any]) -> Callable[..., Any]:
    def run(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
        (x,) = inputs
        return axes.pool(x, op(attributes), x.shape[2:], axes=_spatial(x))

    return run


def _max_unpool(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
    x, where, *shape = inputs
    dims = x.ndim - 2
    kernel = _kernel_shape(attributes, dims)
    strides = tuple(attributes.get("strides") or (1,) * dims)
    pads = tuple(attributes.get("pads") or (0,) * (2 * dims))
    sizes = tuple(
        (n - 1) * s - (low + high) + k
        for n, s, k, low, high in zip(
            x.shape[2:], strides, kernel, pads[:dims], pads[dims:], strict=True
        )
    )
    # Indices count in what the window says was pooled, whatever the output's shape.
    inner = (*x.shape[:2], *sizes)
    plane = bases.to_plane(where, "tensor", inner, [geometry.UNIT] * dims)
    lead = np.arange(prod(inner[:2])).reshape(*inner[:2], *[1] * dims)
    if where.size and not (where // prod(sizes) == lead).all():
        raise ValueError(f"indices must lie in their own planes of shape {sizes}")
    found = scattered(x, plane, dims, sizes, "last")
    if not shape:
        return found
    whole = np.zeros(tuple(int(n) for n in shape[0]), x.dtype)
    some = tuple(slice(0, min(n, m)) for n, m in zip(whole.shape, found.shape, strict=True))
    whole[some] = found[some]
    return whole


def _max_roi_pool(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
    x, boxes = inputs
    scale = float(attributes.get("spatial_scale", 1.0))
    return regions.roi_pool(x, boxes, tuple(attributes["pooled_shape"]), scale)


def _roi_align(inputs: Sequence[np.ndarray], attributes: Attributes, outputs: int) -> Any:
    x, boxes, batches = inputs
    rows = np.column_stack([batches.astype(np.float64), boxes.astype(np.float64)])
    usual = "half_pixel" if attributes.get("version", 16) >= 16 else "output_half_pixel"
    how = _text(attributes.get("coordinate_transformation_mode", usual))
    mode = _text(attributes.get("mode", "avg")).lower()
    return regions.roi_align(
        x, rows, (attributes.get("output_height", 1), attributes.get("output_width", 1)),
        float(attributes.get("spatial_scale", 1.0)), attributes.get("sampling_ratio", 0),
        how == "half_pixel", mode={"max": "max_part"}.get(mode, mode),
    )  # fmt: skip


OPERATORS: dict[str, Callable[..., Any]] = {
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "LpPool": _lp_pool,
    "GlobalMaxPool": _global(lambda attributes: "max"),
    "GlobalAveragePool": _global(lambda attributes: "avg"),
    "GlobalLpPool": _global(lambda a: power.lp(float(a.get("p", 2)), 1, True)),
    "MaxUnpool": _max_unpool,
    "MaxRoiPool": _max_roi_pool,
    "RoiAlign": _roi_align,
}
#: The fewest and the most inputs of those that have not one.
INPUTS = {"MaxUnpool": (2, 3), "MaxRoiPool": (2, 2), "RoiAlign": (3, 3)}


def run_node(node: Any, inputs: Sequence[Any], opset: int | None = None) -> tuple[Any, ...]:
    """Compute one pooling node of an ONNX graph.

    Parameters
    ----------
    node : onnx.NodeProto
        {operators}.
    inputs : sequence of arrays
        What its inputs are, in order; NumPy arrays of shape (N, C, *spatial).
    opset : int, optional
        The version of the operator set; None: the newest. Only RoiAlign's default differs.

    Returns
    -------
    tuple of arrays
        One for each output that the node names.

    Raises
    ------
    NotImplementedError
        For another operator.
    TypeError, ValueError
        As `max_pool2d` and `roi_align`; for more inputs or fewer than the operator has.

    Examples
    --------
    >>> import numpy as np, numbapool.onnx
    >>> from types import SimpleNamespace as Node
    >>> node = Node(op_type="GlobalMaxPool", attribute=[], output=["y"])
    >>> numbapool.onnx.run_node(node, [np.arange(8.0).reshape(1, 2, 4)])[0].tolist()
    [[[3.0], [7.0]]]
    """
    if node.op_type not in OPERATORS:
        raise NotImplementedError(f"{node.op_type} is none of {', '.join(OPERATORS)}")
    attributes: Attributes = {a.name: _value(a) for a in node.attribute}
    if opset is not None:
        attributes["version"] = opset
    arrays = [np.asarray(x) for x in inputs if x is not None]
    fewest, most = INPUTS.get(node.op_type, (1, 1))
    if not fewest <= len(arrays) <= most:
        count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"inputs of {node.op_type} must be {count}, got {len(arrays)}")
    named = [name for name in node.output if name]
    found = OPERATORS[node.op_type](arrays, attributes, len(named))
    return found if isinstance(found, tuple) else (found,)


run_node.__doc__ = (run_node.__doc__ or "").replace("{operators}", ", ".join(OPERATORS))


def _value(attribute: Any) -> Any:
    """What an AttributeProto holds: a float, an int, a string, or several ints."""
    for kind in ("ints", "f", "i", "s"):
        held = getattr(attribute, kind)
        if held:
            return list(held) if kind == "ints" else held
    return 0


def __getattr__(name: str) -> Any:
    if name != "Backend":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .onnx_backend import Backend

    return Backend
