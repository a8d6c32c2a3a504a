"""ONNX's own runner, on ONNX's own cases of its pooling operators."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from onnx import helper
from onnx.backend.test import BackendTest

import numbapool
from numbapool.onnx import run_node
from numbapool.onnx_backend import Backend

KINDS = (
    "OnnxBackendNodeModelTest",
    "OnnxBackendPyTorchConvertedModelTest",
    "OnnxBackendPyTorchOperatorModelTest",
)


def cases(kind):
    """ONNX's test case of a kind, with the tests of poolings on the CPU alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases of other operators overflow as they are made
        case = BackendTest(Backend, __name__).test_cases[kind]
    for name in [name for name in dir(case) if name.startswith("test_")]:
        if not (re.search("(?i)pool|roialign", name) and name.endswith("_cpu")):
            delattr(case, name)
    return case


class TestNodes(cases(KINDS[0])):
    """56 poolings of one node."""


class TestConverted(cases(KINDS[1])):
    """What torch was converted to."""


class TestOperators(cases(KINDS[2])):
    """And one of its operators."""


def test_all_cases_are_there():
    counts = [
        len([name for name in dir(case) if name.startswith("test_")])
        for case in (TestNodes, TestConverted, TestOperators)
    ]
    assert counts >= [56, 15, 1]


def node(kind, **attributes):
    return helper.make_node(kind, ["x"], ["y"], **attributes)


def test_what_the_cases_leave_out():
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 8)).astype(np.float32)
    (got,) = run_node(node("GlobalLpPool", p=3), [x])
    np.testing.assert_allclose(got[..., 0, 0], (np.abs(x) ** 3).sum((2, 3)) ** (1 / 3), 1e-5)
    boxes = np.array([[1, 0, 0, 7, 8]], np.float32)
    (got,) = run_node(node("MaxRoiPool", pooled_shape=[1, 1]), [x, boxes])
    np.testing.assert_array_equal(got[0, :, 0, 0], x[1].max((1, 2)))
    two = helper.make_node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], storage_order=1)
    values, where = run_node(two, [x])
    np.testing.assert_array_equal(x.transpose(0, 1, 3, 2).ravel()[where], values)
    align = node("RoiAlign", output_height=2, output_width=2, sampling_ratio=2)
    rows, batch = boxes[:, 1:], np.array([1])
    old, new = run_node(align, [x, rows, batch], 10), run_node(align, [x, rows, batch], 16)
    np.testing.assert_array_equal(new[0], numbapool.roi_align(x, boxes, 2, 1.0, 2, True))
    np.testing.assert_array_equal(old[0], numbapool.roi_align(x, boxes, 2, 1.0, 2, False))


def test_wrong_nodes_are_said():
    x = np.zeros((1, 1, 4, 4), np.float32)
    with pytest.raises(NotImplementedError, match="Relu is none of MaxPool"):
        run_node(node("Relu"), [x])
    with pytest.raises(ValueError, match="kernel_shape must have 2 entries"):
        run_node(node("MaxPool", kernel_shape=[2]), [x])
    with pytest.raises(ValueError, match=r"auto_pad must be one of NOTSET, .* got 'FOO'"):
        run_node(node("MaxPool", kernel_shape=[2, 2], auto_pad="FOO"), [x])
    with pytest.raises(ValueError, match="inputs of MaxPool must be 1, got 0"):
        run_node(node("MaxPool", kernel_shape=[2, 2]), [])
    with pytest.raises(ValueError, match="inputs of MaxUnpool must be 2 to 3, got 1"):
        run_node(node("MaxUnpool", kernel_shape=[2, 2]), [x])
    far = np.full((1, 1, 2, 2), 99)
    with pytest.raises(ValueError, match="indices must lie in their own planes"):
        run_node(node("MaxUnpool", kernel_shape=[2, 2], strides=[2, 2]), [x[..., :2, :2], far])
