# SPDX-License-Identifier: Apache-2.0
"""A network of an encoder folder (ONNX) as a torch module that can be learnt further.

For convolutional networks: what lamella's own encoders, Keras' applications and torch's exports of
such networks consist of. Others (transformers) are better begun from timm or a module.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from lamella._errors import Error

# A constant of so many numbers or more in a sum or product is a layer's own, and learnt.
LEAST_LEARNT = 8


def _ints(value: Any) -> list[int]:
    return [int(number) for number in (value.tolist() if hasattr(value, "tolist") else value)]


def _squeezed(x: Any, axes: list[int]) -> Any:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.squeeze(axis)
    return x


def _padding(pads: list[int]) -> list[int]:
    """ONNX (all begins, all ends) -> torch (last axis first, begin and end)."""
    half = len(pads) // 2
    return [pads[axis + side * half] for axis in reversed(range(half)) for side in (0, 1)]


class _Conv(nn.Module):  # type: ignore[misc]
    def __init__(self, node: Any, weight: Any, bias: Any) -> None:
        super().__init__()
        kernel = list(weight.shape[2:])
        groups = node.get("group", 1)
        self.conv = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], kernel,
                              stride=node.get("strides", [1, 1]), groups=groups,
                              dilation=node.get("dilations", [1, 1]), bias=bias is not None)
        with torch.no_grad():
            self.conv.weight.copy_(weight)
            if bias is not None:
                self.conv.bias.copy_(bias)
        self.pads = _Pads(node, kernel)

    def forward(self, x: Any) -> Any:
        return self.conv(self.pads.add(x, 0))


class _Pads:
    def __init__(self, node: Any, kernel: list[int]) -> None:
        self.kind = node.get("auto_pad", "NOTSET")
        self.strides = node.get("strides", [1] * len(kernel))
        dilations = node.get("dilations", [1] * len(kernel))
        self.reach = [(size - 1) * apart + 1 for size, apart in zip(kernel, dilations)]
        self.given = _padding(node.get("pads", [0] * 2 * len(kernel)))

    def of(self, x: Any) -> list[int]:
        """As torch has them: last axis first. SAME: as many results as strides fit in."""
        if not self.kind.startswith("SAME"):
            return [] if self.kind == "VALID" else self.given
        pads: list[int] = []
        for size, reach, stride in zip(x.shape[2:], self.reach, self.strides):
            total = max((-(-int(size) // stride) - 1) * stride + reach - int(size), 0)
            less, more = total // 2, total - total // 2
            pads = [*((less, more) if self.kind == "SAME_UPPER" else (more, less)), *pads]
        return pads

    def add(self, x: Any, value: float) -> Any:
        pads = self.of(x)
        return F.pad(x, pads, value=value) if any(pads) else x


def _pool(node: Any) -> Callable[[Any], Any]:
    kernel = node.get("kernel_shape")
    pads = _Pads(node, kernel)
    if node.get("ceil_mode", 0):
        raise Error(f"found the pooling '{node.name}' with ceil_mode, which cannot be learnt "
                    "through; begin from the framework's own network", code="unsupported")
    if node.kind == "MaxPool":
        return lambda x: F.max_pool2d(pads.add(x, float("-inf")), kernel, pads.strides)
    if node.get("count_include_pad", 0):
        return lambda x: F.avg_pool2d(pads.add(x, 0), kernel, pads.strides)

    def average(x: Any) -> Any:
        """Over what is there: the padding is in neither the sum nor the count."""
        if not any(pads.of(x)):
            return F.avg_pool2d(x, kernel, pads.strides)
        there = F.avg_pool2d(pads.add(torch.ones_like(x[:1, :1]), 0), kernel, pads.strides)
        return F.avg_pool2d(pads.add(x, 0), kernel, pads.strides) / there

    return average


def _linear(weight: Any, bias: Any) -> nn.Linear:
    """weight: out x in."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def _norm(node: Any, scale: Any, shift: Any, mean: Any, var: Any) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(len(scale), eps=node.get("epsilon", 1e-5))
    layer.load_state_dict({"weight": scale, "bias": shift, "running_mean": mean,
                           "running_var": var, "num_batches_tracked": torch.tensor(0)})
    return layer


class _Node:
    def __init__(self, node: Any) -> None:
        from onnx import helper
        self.kind, self.name = node.op_type, node.name or node.output[0]
        self.inputs, self.outputs = list(node.input), list(node.output)
        self.attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}

    def get(self, name: str, otherwise: Any = None) -> Any:
        value = self.attributes.get(name, otherwise)
        return value.decode() if isinstance(value, bytes) else value


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "Relu": torch.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Erf": torch.erf,
    "Sqrt": torch.sqrt, "Exp": torch.exp, "Identity": lambda x: x, "HardSwish": F.hardswish,
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Pow": torch.pow,
}


class Graph(nn.Module):  # type: ignore[misc]
    """float32 [n, 3, h, w] -> its outputs, pooled and one after another, [n, d]."""

    def __init__(self, path: str | os.PathLike[str], outputs: list[tuple[str, str]]) -> None:
        super().__init__()
        try:
            import onnx
            from onnx import numpy_helper
        except ImportError as error:
            raise Error("the package onnx is not installed, by which an encoder's network is read: "
                        "pip install onnx", code="not found") from error
        graph = onnx.load(os.fspath(path)).graph
        self._constants = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy())
                           for one in graph.initializer}
        inputs = [one for one in graph.input if one.name not in self._constants]
        shape = [size.dim_value for size in inputs[0].type.tensor_type.shape.dim]
        self.channels_last = len(shape) == 4 and shape[3] == 3 and shape[1] != 3
        self.input, self.outputs = inputs[0].name, outputs
        self.layers = nn.ModuleDict()
        self.order: list[tuple[_Node, Callable[..., Any], list[str]]] = []
        self._names: list[tuple[str, str]] = []  # of the node, of its layer
        for node in graph.node:
            self._add(_Node(node))

    def _add(self, node: _Node) -> None:
        if node.kind == "Constant":
            from onnx import numpy_helper
            self._constants[node.outputs[0]] = torch.from_numpy(
                numpy_helper.to_array(node.get("value")).copy())
            return
        layer = self._layer(node)
        if layer is not None:
            key = f"layer{len(self.layers)}"
            self.layers[key] = layer
            self._names.append((node.name, key))
            self.order.append((node, layer, node.inputs[:1]))
            return
        work = self._function(node)
        taken = [name for name in node.inputs if name and name not in self._constants]
        self.order.append((node, work, taken))

    def _layer(self, node: _Node) -> nn.Module | None:
        inputs = node.inputs
        given = [self._constants.get(name) for name in inputs]
        if node.kind == "Conv" and given[1] is not None and given[1].ndim == 4:
            return _Conv(node, given[1], given[2] if len(given) > 2 else None)
        if node.kind == "BatchNormalization":
            return _norm(node, *given[1:])
        if node.kind == "MatMul" and given[1] is not None and given[1].ndim == 2:
            return _linear(given[1].t(), None)
        if node.kind == "Gemm" and given[1] is not None and node.get("alpha", 1.0) == 1 \
                and not node.get("transA", 0):
            weight = given[1] if node.get("transB", 0) else given[1].t()
            return _linear(weight, given[2] if len(given) > 2 else None)
        return None

    def _function(self, node: _Node) -> Callable[..., Any]:
        kind, given = node.kind, [self._constants.get(name) for name in node.inputs]
        if kind in ELEMENTWISE:
            return self._elementwise(node, ELEMENTWISE[kind], given)
        if kind == "Clip":
            least = given[1] if len(given) > 1 else node.get("min")
            most = given[2] if len(given) > 2 else node.get("max")
            low, high = (None if one is None else float(one) for one in (least, most))
            if low is not None and high is not None:  # whose gradient is one pass, not three
                return lambda x: F.hardtanh(x, low, high)
            return lambda x: torch.clamp(x, low, high)
        if kind == "HardSigmoid":
            alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
            return lambda x: torch.clamp(alpha * x + beta, 0, 1)
        if kind == "LeakyRelu":
            return lambda x: F.leaky_relu(x, node.get("alpha", 0.01))
        if kind in ("MaxPool", "AveragePool"):
            return _pool(node)
        if kind == "GlobalAveragePool":
            return lambda x: x.mean(dim=(2, 3), keepdim=True)
        return self._shaping(node, given)

    def _elementwise(self, node: _Node, work: Callable[..., Any], given: list[Any]) \
            -> Callable[..., Any]:
        if len(given) == 1 or (given[0] is None and given[1] is None):
            return work
        side = 1 if given[1] is not None else 0
        constant = given[side]
        key = f"constant{len(self.order)}"
        if constant.is_floating_point() and constant.numel() >= LEAST_LEARNT:
            self.register_parameter(key, nn.Parameter(constant))
        else:
            self.register_buffer(key, constant, persistent=False)
        if side == 1:
            return lambda x: work(x, getattr(self, key))
        return lambda x: work(getattr(self, key), x)

    def _shaping(self, node: _Node, given: list[Any]) -> Callable[..., Any]:
        kind = node.kind
        axes = given[1] if len(given) > 1 and kind in ("ReduceMean", "Squeeze", "Unsqueeze") \
            else node.get("axes")
        if kind == "Concat":
            return lambda *values: torch.cat(values, dim=node.get("axis"))
        if kind == "Flatten" and node.get("axis", 1) == 1:
            return lambda x: x.flatten(1)
        if kind == "Transpose":
            return lambda x: x.permute(node.get("perm"))
        if kind == "ReduceMean" and axes is not None:
            where = _ints(axes)
            return lambda x: x.mean(dim=where, keepdim=bool(node.get("keepdims", 1)))
        if kind == "Squeeze" and axes is not None:
            return lambda x: _squeezed(x, _ints(axes))
        if kind == "Reshape" and given[1] is not None:
            shape = _ints(given[1])
            return lambda x: x.reshape(x.shape[0], *(x.shape[i + 1] if size == 0 else size
                                                     for i, size in enumerate(shape[1:])))
        if kind == "Pad" and len(given) > 1 and given[1] is not None \
                and node.get("mode", "constant") == "constant":
            pads = _padding(_ints(given[1]))
            value = float(given[2]) if len(given) > 2 and given[2] is not None else 0.0
            return lambda x: F.pad(x, pads, value=value)
        raise Error(f"found the operator {kind} ('{node.name}'), which cannot be learnt through from "
                    "an ONNX file; begin from the framework's own network (timm:NAME or "
                    "FILE.py:NAME)", code="unsupported")

    def blocks(self) -> list[list[Any]]:
        """Parameters by what stands before the last dot or slash of their nodes' names."""
        found: dict[str, list[Any]] = {}
        for name, key in self._names:
            block = name.rpartition("/")[0] if "/" in name else name.partition(".")[0]
            found.setdefault(block or name, []).extend(self.layers[key].parameters())
        return list(found.values())

    def forward(self, planes: Any) -> Any:
        values = {self.input: planes.permute(0, 2, 3, 1) if self.channels_last else planes}
        for node, work, taken in self.order:
            values[node.outputs[0]] = work(*(values[name] for name in taken))
        parts = [values[name] for name, _ in self.outputs]
        parts = [part if part.ndim == 2 else part.mean(dim=(1, 2) if self.channels_last else (2, 3))
                 for part in parts]
        return torch.cat(parts, dim=1)
