"""A backend of ONNX's: models of one pooling node, for its own test runner and for users of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.base import Backend as Base
from onnx.backend.base import BackendRep, Device, DeviceType

from .onnx import OPERATORS, run_node


def _reshaped(node: Any, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """What Squeeze and Unsqueeze give: torch's exporter puts them about 1-D poolings."""
    x, *rest = inputs
    given = [tuple(a.ints) for a in node.attribute if a.name == "axes"]
    axes = tuple(int(n) for n in rest[0]) if rest else (given[0] if given else None)
    if node.op_type == "Squeeze":
        return (np.squeeze(x, axes),)
    return (np.expand_dims(x, axes or ()),)


RESHAPES = ("Squeeze", "Unsqueeze")


class Prepared(BackendRep):
    """A model that is ready to be run."""

    def __init__(self, model: Any) -> None:
        self.graph = model.graph
        versions = {entry.domain: entry.version for entry in model.opset_import}
        self.opset = versions.get("")
        self.known = {i.name: numpy_helper.to_array(i) for i in self.graph.initializer}

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs of the graph, for its inputs in order or by name."""
        values = dict(self.known)
        if not isinstance(inputs, dict):
            names = [i.name for i in self.graph.input if i.name not in self.known]
            inputs = dict(zip(names, inputs, strict=False))
        values |= inputs
        for node in self.graph.node:
            given = [values[name] for name in node.input if name]
            reshapes = node.op_type in RESHAPES
            found = _reshaped(node, given) if reshapes else run_node(node, given, self.opset)
            values |= zip([name for name in node.output if name], found, strict=True)
        return tuple(values[output.name] for output in self.graph.output)


class Backend(Base):
    """Runs models whose nodes are all poolings, on the CPU."""

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether every node of the model is a pooling, or adds or drops axes of size 1."""
        return all(node.op_type in (*OPERATORS, *RESHAPES) for node in model.graph.node)

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **kwargs: Any) -> Prepared:
        """The model, checked, ready to be run."""
        super().prepare(model, device, **kwargs)
        if not cls.is_compatible(model):
            raise NotImplementedError(
                f"the model has nodes other than {', '.join(OPERATORS)}: "
                f"{sorted({node.op_type for node in model.graph.node} - {*OPERATORS, *RESHAPES})}"
            )
        return Prepared(model)

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU",
        outputs_info: Sequence[Any] | None = None, **kwargs: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        """The outputs of one node."""
        return run_node(node, inputs, kwargs.get("opset_version"))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether there are kernels for the device."""
        return bool(Device(device).type == DeviceType.CPU)
