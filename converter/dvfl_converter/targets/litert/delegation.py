"""Which operators of a ``.tflite`` its XNNPACK delegate takes, read from the runtime itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from dvfl.manifest import OperatorReport
from dvfl_converter.operators.tally import PlacedOperator, tally
from dvfl_converter.quiet import quiet_native

_Op = Mapping[str, Any]


def delegation(path: Path) -> OperatorReport:
    """The operators of an artifact, placed as the interpreter placed them on this machine's CPU."""
    with quiet_native():
        interpreter = Interpreter(str(path))
        interpreter.allocate_tensors()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    # The runtime's Python API lists every node, the fused ones included, through this method only.
    nodes: list[_Op] = interpreter._get_ops_details()
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    operators = [node for node in nodes if node["op_name"] != "DELEGATE"]
    inside = _inside_delegates(operators, delegates)
    placed = (_place(node, tensors, node["index"] in inside) for node in operators)
    return tally(placed, delegate="XNNPACK" if delegates else None, delegate_calls=len(delegates))


def _inside_delegates(operators: list[_Op], delegates: list[_Op]) -> set[int]:
    """Indices of operators reached backwards from a delegate's outputs without passing its inputs."""
    producer = {int(tensor): node for node in operators for tensor in node["outputs"]}
    inside: set[int] = set()
    for delegate in delegates:
        border = {int(tensor) for tensor in delegate["inputs"]}
        pending = [int(tensor) for tensor in delegate["outputs"]]
        while pending:
            node = producer.get(pending.pop())
            if node is None or node["index"] in inside:
                continue
            inside.add(node["index"])
            pending += [int(tensor) for tensor in node["inputs"] if int(tensor) not in border]
    return inside


def _place(node: _Op, tensors: Mapping[int, Any], delegated: bool) -> PlacedOperator:
    torch_operator, source = _provenance(tensors[int(node["outputs"][0])]["name"])
    custom = node["op_name"].startswith(("Flex", "CUSTOM"))
    # Fusing blurs which ATen operator a delegated node was; off the delegate the origin is what helps.
    from_torch = f"{torch_operator} -> " if torch_operator and not delegated else ""
    return PlacedOperator(
        operator=f"{from_torch}{node['op_name']}",
        placement="delegate" if delegated else "unsupported" if custom else "native",
        where="XNNPACK" if delegated else "nowhere" if custom else "TFLite kernel",
        reason=_reason(delegated, custom),
        macs=_macs(node, tensors),
        source=source,
    )


def _reason(delegated: bool, custom: bool) -> str:
    if delegated:
        return "taken by the delegate"
    return "needs a custom operator in the app" if custom else "the XNNPACK delegate did not take it"


def _provenance(name: str) -> tuple[str | None, str | None]:
    """Operator and source line from a tensor name ``operator|file.py:line|node``."""
    parts = name.split(";")[0].split("|")
    return (parts[0], parts[1]) if len(parts) >= 3 else (None, None)


def _macs(node: _Op, tensors: Mapping[int, Any]) -> int:
    shapes = list(_shapes(node["inputs"], tensors))
    out = tensors[int(node["outputs"][0])]["shape"].prod()
    match node["op_name"]:
        case "FULLY_CONNECTED":
            return int(out * shapes[1][-1])
        case "CONV_2D":
            return int(out * shapes[1][1:].prod())
        case "CONV_3D":
            return int(out * shapes[1][:-1].prod())
        case "DEPTHWISE_CONV_2D":
            return int(out * shapes[1][1] * shapes[1][2])
        case "BATCH_MATMUL":
            return int(out * shapes[0][-1])
    return 0


def _shapes(indices: Any, tensors: Mapping[int, Any]) -> Iterator[Any]:
    return (tensors[int(index)]["shape"] for index in indices if int(index) >= 0)
