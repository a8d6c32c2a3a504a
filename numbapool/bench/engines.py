"""Inference engines as peers: each pooling is a graph of one node, compiled for its layer.

Both get the same NCHW array without a copy, and allocate their results as they do by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .layers import Window


class Refused(NotImplementedError):
    """A peer has no kernel for this: it is left out, or skipped by asv."""


class OnnxRuntime:
    """A session of ONNX Runtime; what is timed is its run, with the input bound."""

    def __init__(self, op: str, x: np.ndarray, layer: Window, threads: int) -> None:
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        indexed = op == "max with indices"
        try:
            self.session = onnxruntime.InferenceSession(
                _model(op, layer, x), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no class but this
            raise Refused(f"ONNX Runtime: {error}") from error
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input("x", x)
        for name in ("y", "where")[: 1 + indexed]:
            self.binding.bind_output(name, "cpu")
        self.plane = x.shape[2] * x.shape[3]

    def __call__(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def results(self) -> tuple[np.ndarray, ...]:
        """Values, and indices within their plane: ONNX counts from the first plane on."""
        values, *indices = (value.numpy() for value in self.binding.get_outputs())
        return (values, *(where % self.plane for where in indices))


def _model(op: str, layer: Window, x: np.ndarray) -> bytes:
    from onnx import TensorProto, helper

    element = helper.np_dtype_to_tensor_dtype(x.dtype)
    attributes: dict[str, Any] = {
        "kernel_shape": layer.kernel,
        "strides": layer.stride,
        "pads": [*layer.padding, *layer.padding],
        "dilations": layer.dilation,
        "ceil_mode": int(layer.ceil_mode),
    }
    if op == "avg":
        attributes["count_include_pad"] = int(layer.count_include_pad)
    outputs = ["y", "where"] if op == "max with indices" else ["y"]
    node = helper.make_node(
        "AveragePool" if op == "avg" else "MaxPool", ["x"], outputs, **attributes
    )
    kinds = {"y": element, "where": TensorProto.INT64}
    graph = helper.make_graph(
        [node],
        "pooling",
        [helper.make_tensor_value_info("x", element, x.shape)],
        [helper.make_tensor_value_info(name, kinds[name], None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    return bytes(model.SerializeToString())


class OpenVino:
    """A request of OpenVINO; what is timed is its inference, with the input bound."""

    def __init__(self, op: str, x: np.ndarray, layer: Window, threads: int) -> None:
        import openvino
        from openvino import opset14 as ops

        if op == "max with indices" or x.dtype != np.float32:
            raise Refused("OpenVINO is asked for values of float32, which it computes in")
        given = ops.parameter(x.shape, x.dtype)
        window: dict[str, Any] = {
            "strides": list(layer.stride),
            "pads_begin": list(layer.padding),
            "pads_end": list(layer.padding),
            "kernel_shape": list(layer.kernel),
            "rounding_type": "ceil_torch" if layer.ceil_mode else "floor",
            "auto_pad": "explicit",
        }
        try:
            if op == "avg":
                exclude = not layer.count_include_pad
                pooled = ops.avg_pool(given, exclude_pad=exclude, **window)
            else:
                pooled = ops.max_pool(given, dilations=list(layer.dilation), axis=2, **window)
            config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                      "INFERENCE_PRECISION_HINT": "f32"}  # fmt: skip
            model = openvino.Model([pooled.output(0)], [given])
            compiled = openvino.Core().compile_model(model, "CPU", config)
        except Exception as error:
            raise Refused(f"OpenVINO: {error}") from error
        self.request = compiled.create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(x, shared_memory=True))

    def __call__(self) -> None:
        self.request.infer()

    def results(self) -> tuple[np.ndarray, ...]:
        """The values."""
        return (self.request.get_output_tensor(0).data.copy(),)
