"""A case or more for every operator: inputs, the operation, and PyTorch's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import coremltools as ct
import numpy as np
import torch
from coremltools.converters.mil.mil import Builder
from torch.nn import functional as f

mb = Builder
IOS16, IOS17, IOS18 = ct.target.iOS16, ct.target.iOS17, ct.target.iOS18


@dataclass(frozen=True)
class Case:
    """``build`` gets the inputs as variables, ``want`` as tensors."""

    kind: str
    inputs: dict[str, np.ndarray]
    build: Callable[..., Any]
    want: Callable[..., Any]
    opset: Any = IOS17

    def __str__(self) -> str:
        return self.kind


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    return np.abs(normal(*shape)) + np.float32(0.1)


def whole(*shape: int, low: int = -5, high: int = 6) -> np.ndarray:
    return np.random.default_rng(list(shape)).integers(low, high, shape).astype(np.int32)


def bools(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).random(shape) > 0.5


X = normal(2, 3, 4, 5)
T = torch.from_numpy

UNARY = {
    "relu": f.relu,
    "relu6": f.relu6,
    "sigmoid": torch.sigmoid,
    "silu": f.silu,
    "softplus": f.softplus,
    "softsign": f.softsign,
    "erf": torch.erf,
    "abs": torch.abs,
    "sign": torch.sign,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "square": torch.square,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "identity": torch.clone,
}
BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "real_div": torch.div,
    "floor_div": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "mod": torch.remainder,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
}
LOGIC = {"logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_xor": torch.logical_xor}
REDUCTIONS = {
    "reduce_sum": torch.sum,
    "reduce_mean": torch.mean,
    "reduce_max": torch.amax,
    "reduce_min": torch.amin,
    "reduce_l1_norm": lambda x, dim, keepdim: x.abs().sum(dim, keepdim),
    "reduce_l2_norm": lambda x, dim, keepdim: torch.linalg.vector_norm(x, 2, dim, keepdim),
    "reduce_sum_square": lambda x, dim, keepdim: (x * x).sum(dim, keepdim),
    "reduce_log_sum": lambda x, dim, keepdim: x.sum(dim, keepdim).log(),
    "reduce_log_sum_exp": torch.logsumexp,
}


def _unary(kind: str) -> Case:
    values = np.concatenate([X.ravel() * 3, np.array([0.5, -0.5, 1.5, 2.5, 0.0, 7.0], np.float32)])
    return Case(kind, {"x": values}, lambda x: getattr(mb, kind)(x=x), UNARY[kind])


def _binary(kind: str) -> Case:
    # Halves, so that some are equal.
    x, y = np.round(normal(2, 3, 4) * 2) / 2, np.round(positive(3, 1) * 2) / 2 + np.float32(0.5)
    return Case(kind, {"x": x, "y": y}, lambda x, y: getattr(mb, kind)(x=x, y=y), BINARY[kind])


def _logic(kind: str) -> Case:
    inputs = {"x": bools(4, 5), "y": bools(5, seed=1)}
    return Case(kind, inputs, lambda x, y: getattr(mb, kind)(x=x, y=y), LOGIC[kind])


def _reduction(kind: str, axes: tuple[int, ...], keep: bool) -> Case:
    return Case(
        kind,
        {"x": positive(2, 3, 4, 5)},
        lambda x: getattr(mb, kind)(x=x, axes=axes, keep_dims=keep),
        lambda x: REDUCTIONS[kind](x, axes, keep),
    )


def _unfused(x: torch.Tensor, mean: np.ndarray, variance: np.ndarray, gamma: np.ndarray, beta: np.ndarray):
    return f.batch_norm(x, T(mean), T(variance), T(gamma), T(beta), eps=1e-3)


W, B3, V3 = normal(6, 3, 3, 2), normal(3), positive(3)
M = normal(2, 3, 4)
SCALE = positive(3).astype(np.float32)
Q = np.random.default_rng(0).integers(-128, 128, (4, 3, 2)).astype(np.int8)
LUT16 = normal(16)
INDICES = np.random.default_rng(1).integers(0, 16, 15)
PACKED = np.packbits(
    np.unpackbits(INDICES.astype(np.uint8)[:, None], axis=1, bitorder="little")[:, :4].ravel(),
    bitorder="little",
)
MASK = bools(3, 5)
ONE = np.zeros(1, np.float32)


def _constant(kind: str, build: Callable[[], Any], want: np.ndarray, opset: Any) -> Case:
    """Compressed weights are constants; one input keeps the program a program."""

    def with_input(x: Any) -> Any:
        return mb.add(x=build(), y=mb.reduce_sum(x=x, axes=[0], keep_dims=False))

    return Case(kind, {"x": ONE}, with_input, lambda x: T(np.array(want, np.float32)), opset)


def _blocks() -> np.ndarray:
    scale, offset = BLOCK_SCALE.repeat(2, 0), BLOCK_OFFSET.repeat(2, 0).astype(np.float32)
    return scale * (Q.astype(np.float32) - offset)


BLOCK_SCALE = positive(2, 3, 1)
BLOCK_OFFSET = whole(2, 3, 1).astype(np.int8)
# Two tables over the first axis, of two vectors of three numbers each.
TABLES = normal(2, 1, 2, 3)
SELECTED = np.array([[0, 1], [1, 0], [1, 1], [0, 0]], np.uint8)
VECTORS = np.stack([np.concatenate([TABLES[i // 2, 0, SELECTED[i, j]] for j in range(2)]) for i in range(4)])


def _uint1(array: np.ndarray) -> np.ndarray:
    from coremltools.converters.mil.mil import types

    return array.astype(types.np_uint1_dtype)


CASES: tuple[Case, ...] = (
    *map(_unary, UNARY),
    *map(_binary, BINARY),
    *map(_logic, LOGIC),
    *(_reduction(kind, (1, 3), True) for kind in REDUCTIONS),
    *(_reduction(kind, (0, -2), False) for kind in REDUCTIONS),
    Case("const", {"x": X}, lambda x: mb.add(x=x, y=X), lambda x: x + x),
    Case("reduce_prod", {"x": X}, lambda x: mb.reduce_prod(x=x, axes=[2]), lambda x: x.prod(2)),
    Case("reduce_argmax", {"x": X}, lambda x: mb.reduce_argmax(x=x, axis=1), lambda x: x.argmax(1)),
    Case(
        "reduce_argmin",
        {"x": X},
        lambda x: mb.reduce_argmin(x=x, axis=-2, keep_dims=True, output_dtype="uint16"),
        lambda x: x.argmin(-2, True),
    ),
    Case("leaky_relu", {"x": X}, lambda x: mb.leaky_relu(x=x, alpha=0.1), lambda x: f.leaky_relu(x, 0.1)),
    Case("prelu", {"x": X}, lambda x: mb.prelu(x=x, alpha=B3), lambda x: f.prelu(x, T(B3))),
    Case("elu", {"x": X}, lambda x: mb.elu(x=x, alpha=0.7), lambda x: f.elu(x, 0.7)),
    Case(
        "sigmoid_hard",
        {"x": X},
        lambda x: mb.sigmoid_hard(x=x, alpha=0.3, beta=0.4),
        lambda x: (0.3 * x + 0.4).clamp(0, 1),
    ),
    Case(
        "linear_activation",
        {"x": X},
        lambda x: mb.linear_activation(x=x, alpha=0.3, beta=0.4),
        lambda x: 0.3 * x + 0.4,
    ),
    Case("gelu", {"x": X}, lambda x: mb.gelu(x=x), f.gelu),
    Case(
        "gelu",
        {"x": X},
        lambda x: mb.gelu(x=x, mode="TANH_APPROXIMATION"),
        lambda x: f.gelu(x, approximate="tanh"),
    ),
    Case(
        "gelu",
        {"x": X},
        lambda x: mb.gelu(x=x, mode="SIGMOID_APPROXIMATION"),
        lambda x: x * torch.sigmoid(1.702 * x),
    ),
    Case("softmax", {"x": X * 40}, lambda x: mb.softmax(x=x, axis=1), lambda x: x.softmax(1)),
    Case("sqrt", {"x": positive(7)}, lambda x: mb.sqrt(x=x), torch.sqrt),
    Case("log", {"x": positive(7)}, lambda x: mb.log(x=x, epsilon=0.25), lambda x: (x + 0.25).log()),
    Case("rsqrt", {"x": positive(7)}, lambda x: mb.rsqrt(x=x, epsilon=0.25), lambda x: (x + 0.25).rsqrt()),
    Case("inverse", {"x": positive(7)}, lambda x: mb.inverse(x=x), lambda x: 1 / (x + 1e-4)),
    Case("clip", {"x": X}, lambda x: mb.clip(x=x, alpha=-0.5, beta=0.25), lambda x: x.clamp(-0.5, 0.25)),
    Case("threshold", {"x": X}, lambda x: mb.threshold(x=x, alpha=0.2), lambda x: x.clamp(min=0.2)),
    Case("cast", {"x": X * 9}, lambda x: mb.cast(x=x, dtype="int32"), lambda x: x.to(torch.int32)),
    Case(
        "cast",
        {"x": X * 9},
        lambda x: mb.cast(x=mb.cast(x=x, dtype="fp16"), dtype="fp32"),
        lambda x: x.half().float(),
    ),
    Case("logical_not", {"x": bools(9)}, lambda x: mb.logical_not(x=x), torch.logical_not),
    Case(
        "floor_div",
        {"x": whole(4, 3), "y": whole(3, low=1)},
        lambda x, y: mb.floor_div(x=x, y=y),
        BINARY["floor_div"],
    ),
    Case("mod", {"x": whole(4, 3), "y": -whole(3, low=1)}, lambda x, y: mb.mod(x=x, y=y), torch.remainder),
    Case("pow", {"x": positive(4, 3), "y": normal(3)}, lambda x, y: mb.pow(x=x, y=y), torch.pow),
    Case(
        "select",
        {"x": X, "y": normal(2, 3, 4, 5, seed=1), "c": bools(2, 3, 4, 5)},
        lambda x, y, c: mb.select(cond=c, a=x, b=y),
        lambda x, y, c: torch.where(c, x, y),
    ),
    Case(
        "conv",
        {"x": X},
        lambda x: mb.conv(x=x, weight=W, bias=normal(6), pad_type="custom", pad=[1, 0, 2, 1], strides=[2, 1]),
        lambda x: f.conv2d(f.pad(x, (2, 1, 1, 0)), T(W), T(normal(6)), (2, 1)),
    ),
    Case(
        "conv_transpose",
        {"x": X},
        lambda x: mb.conv_transpose(
            x=x, weight=normal(3, 2, 3, 2), pad_type="custom", pad=[1, 1, 0, 0], strides=[2, 3]
        ),
        lambda x: f.conv_transpose2d(x, T(normal(3, 2, 3, 2)), None, (2, 3), (1, 0)),
    ),
    Case(
        "linear",
        {"x": M},
        lambda x: mb.linear(x=x, weight=normal(6, 4), bias=normal(6)),
        lambda x: f.linear(x, T(normal(6, 4)), T(normal(6))),
    ),
    Case(
        "matmul",
        {"x": M, "y": normal(5, 1, 2, 3)},
        lambda x, y: mb.matmul(x=x, y=y, transpose_x=True, transpose_y=True),
        lambda x, y: x.mT @ y.mT,
    ),
    Case(
        "einsum",
        {"x": normal(2, 3, 4, 5), "y": normal(2, 5, 4, 6)},
        lambda x, y: mb.einsum(values=(x, y), equation="abcd,adce->abce"),
        lambda x, y: torch.einsum("abcd,adce->abce", x, y),
    ),
    Case(
        "einsum",
        {"x": normal(3, 1, 5), "y": normal(5, 4, 6)},
        lambda x, y: mb.einsum(values=(x, y), equation="chw,whr->chr"),
        lambda x, y: torch.einsum("cw,whr->chr", x[:, 0], y),
    ),
    Case(
        "layer_norm",
        {"x": X},
        lambda x: mb.layer_norm(
            x=x, axes=[2, 3], gamma=normal(4, 5), beta=normal(4, 5, seed=1), epsilon=1e-3
        ),
        lambda x: f.layer_norm(x, (4, 5), T(normal(4, 5)), T(normal(4, 5, seed=1)), 1e-3),
    ),
    Case(
        "batch_norm",
        {"x": X},
        lambda x: mb.batch_norm(x=x, mean=B3, variance=V3, gamma=V3, beta=B3, epsilon=1e-3),
        lambda x: _unfused(x, B3, V3, V3, B3),
    ),
    Case(
        "instance_norm",
        {"x": X},
        lambda x: mb.instance_norm(x=x, gamma=V3, beta=B3, epsilon=1e-3),
        lambda x: f.instance_norm(x, weight=T(V3), bias=T(B3), eps=1e-3),
    ),
    Case(
        "l2_norm",
        {"x": X},
        lambda x: mb.l2_norm(x=x, epsilon=1e-6),
        lambda x: x / ((x * x).sum((1, 2, 3), True) + 1e-6).sqrt(),
    ),
    Case(
        "max_pool",
        {"x": -positive(2, 3, 9, 8)},
        lambda x: mb.max_pool(x=x, kernel_sizes=[3, 2], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1]),
        lambda x: f.max_pool2d(x, (3, 2), 2, 1),
    ),
    Case(
        "avg_pool",
        {"x": normal(2, 3, 9, 8)},
        lambda x: mb.avg_pool(x=x, kernel_sizes=[3, 2], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1]),
        lambda x: f.avg_pool2d(x, (3, 2), 2, 1),
    ),
    Case(
        "reshape", {"x": X}, lambda x: mb.reshape(x=x, shape=[0, -1, 10, 1]), lambda x: x.reshape(2, 6, 10, 1)
    ),
    Case(
        "reshape",
        {"x": X},
        lambda x: mb.reshape(x=x, shape=[0, -1, 0, 5]),
        lambda x: x.reshape(2, 3, 4, 5),
        IOS16,
    ),
    Case(
        "reshape",
        {"x": normal(2, 50)},
        lambda x: mb.reshape(x=x, shape=[1, 0, -1, 0]),
        lambda x: x.reshape(1, 1, 2, 50),
    ),
    Case(
        "transpose",
        {"x": X},
        lambda x: mb.transpose(x=x, perm=[0, -1, 1, 2]),
        lambda x: x.permute(0, 3, 1, 2),
    ),
    Case("expand_dims", {"x": M}, lambda x: mb.expand_dims(x=x, axes=[0, -1]), lambda x: x[None, ..., None]),
    Case("squeeze", {"x": normal(1, 3, 1)}, lambda x: mb.squeeze(x=x, axes=[-1]), lambda x: x[..., 0]),
    Case("squeeze", {"x": normal(1, 3, 1)}, lambda x: mb.squeeze(x=x), lambda x: x[0, :, 0]),
    Case(
        "concat",
        {"x": M, "y": normal(2, 1, 4)},
        lambda x, y: mb.concat(values=(x, y), axis=-2),
        lambda x, y: torch.cat((x, y), 1),
    ),
    Case(
        "concat",
        {"x": M, "interleaved": normal(2, 3, 4, seed=1)},
        lambda x, interleaved: mb.concat(values=(x, interleaved), axis=1, interleave=True),
        lambda x, y: torch.stack((x, y), 2).reshape(2, 6, 4),
    ),
    Case(
        "stack",
        {"x": M, "y": M + 1},
        lambda x, y: mb.stack(values=(x, y), axis=1),
        lambda x, y: torch.stack((x, y), 1),
    ),
    Case(
        "split", {"x": X}, lambda x: mb.split(x=x, split_sizes=[1, 4], axis=-1), lambda x: x.split([1, 4], -1)
    ),
    Case("split", {"x": X}, lambda x: mb.split(x=x, num_splits=2, axis=2), lambda x: x.split(2, 2)),
    Case("tile", {"x": M}, lambda x: mb.tile(x=x, reps=[2, 1, 3]), lambda x: x.repeat(2, 1, 3)),
    Case(
        "pad",
        {"x": X},
        lambda x: mb.pad(x=x, pad=[1, 2, 0, 3], mode="constant", constant_val=0.5),
        lambda x: f.pad(x, (0, 3, 1, 2), value=0.5),
    ),
    Case(
        "pad",
        {"x": X},
        lambda x: mb.pad(x=x, pad=[1, 2, 0, 3], mode="reflect"),
        lambda x: f.pad(x, (0, 3, 1, 2), mode="reflect"),
    ),
    Case(
        "pad",
        {"x": X},
        lambda x: mb.pad(x=x, pad=[1, 2, 0, 3], mode="replicate"),
        lambda x: f.pad(x, (0, 3, 1, 2), mode="replicate"),
    ),
    Case(
        "fill",
        {"x": X},
        lambda x: mb.add(x=x, y=mb.fill(shape=mb.shape(x=x), value=0.5)),
        lambda x: x + 0.5,
    ),
    Case("shape", {"x": M}, lambda x: mb.shape(x=x), lambda x: torch.tensor([2, 3, 4])),
    Case(
        "pixel_shuffle",
        {"x": normal(2, 12, 3, 4)},
        lambda x: mb.pixel_shuffle(x=x, upscale_factor=2),
        lambda x: f.pixel_shuffle(x, 2),
    ),
    Case("flatten2d", {"x": X}, lambda x: mb.flatten2d(x=x, axis=-2), lambda x: x.reshape(6, 20)),
    Case("reverse", {"x": X}, lambda x: mb.reverse(x=x, axes=[1, -1]), lambda x: x.flip(1, -1)),
    Case(
        "slice_by_index",
        {"x": X},
        lambda x: mb.slice_by_index(
            x=x,
            begin=[1, 0, -3, 4],
            end=[0, 2, 0, 0],
            stride=[1, 1, 2, -2],
            begin_mask=[False, True, False, False],
            end_mask=[False, False, True, True],
            squeeze_mask=[True, False, False, False],
        ),
        lambda x: x[1, :2, 1::2].flip(-1)[..., ::2],
    ),
    Case(
        "slice_by_size",
        {"x": X},
        lambda x: mb.slice_by_size(x=x, begin=[0, 1, -2, 2], size=[2, -1, 1, 3]),
        lambda x: x[:, 1:, 2:3, 2:5],
    ),
    Case(
        "gather",
        {"x": X, "i": whole(2, 3, low=0, high=4)},
        lambda x, i: mb.gather(x=x, indices=i, axis=2),
        lambda x, i: x[:, :, i],
    ),
    Case(
        "gather",
        {"x": X, "i": whole(2, 6, low=-3, high=3)},
        lambda x, i: mb.gather(x=x, indices=i, axis=1, batch_dims=1),
        lambda x, i: torch.stack([x[0][i[0]], x[1][i[1]]]),
        IOS16,
    ),
    Case(
        "gather_along_axis",
        {"x": M, "i": whole(2, 5, 4, low=0, high=3)},
        lambda x, i: mb.gather_along_axis(x=x, indices=i, axis=1),
        lambda x, i: x.gather(1, i.long()),
    ),
    Case(
        "upsample_nearest_neighbor",
        {"x": X},
        lambda x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=3),
        lambda x: f.interpolate(x, scale_factor=(2, 3)),
    ),
    Case(
        "upsample_bilinear",
        {"x": X},
        lambda x: mb.upsample_bilinear(x=x, scale_factor_height=2, scale_factor_width=3, align_corners=False),
        lambda x: f.interpolate(x, scale_factor=(2, 3), mode="bilinear", align_corners=False),
    ),
    Case(
        "upsample_bilinear",
        {"x": X},
        lambda x: mb.upsample_bilinear(x=x, scale_factor_height=2, scale_factor_width=3, align_corners=True),
        lambda x: f.interpolate(x, scale_factor=(2, 3), mode="bilinear", align_corners=True),
    ),
    Case(
        "resize_bilinear",
        {"x": X},
        lambda x: mb.resize_bilinear(
            x=x, target_size_height=7, target_size_width=3, sampling_mode="UNALIGN_CORNERS"
        ),
        lambda x: f.interpolate(x, (7, 3), mode="bilinear", align_corners=False),
    ),
    _constant(
        "constexpr_affine_dequantize",
        lambda: mb.constexpr_affine_dequantize(quantized_data=Q, zero_point=np.int8(-3), scale=SCALE, axis=1),
        SCALE[:, None] * (Q.astype(np.float32) + 3),
        IOS16,
    ),
    _constant(
        "constexpr_blockwise_shift_scale",
        lambda: mb.constexpr_blockwise_shift_scale(data=Q, scale=BLOCK_SCALE, offset=BLOCK_OFFSET),
        _blocks(),
        IOS18,
    ),
    _constant(
        "constexpr_lut_to_dense",
        lambda: mb.constexpr_lut_to_dense(indices=PACKED, lut=LUT16, shape=np.array([3, 5], np.uint32)),
        LUT16[INDICES].reshape(3, 5),
        IOS16,
    ),
    _constant(
        "constexpr_lut_to_dense",
        lambda: mb.constexpr_lut_to_dense(indices=_uint1(SELECTED), lut=TABLES, vector_axis=1),
        VECTORS,
        IOS18,
    ),
    _constant(
        "constexpr_sparse_to_dense",
        lambda: mb.constexpr_sparse_to_dense(
            nonzero_data=normal(int(MASK.sum())),
            mask=np.packbits(MASK.ravel(), bitorder="little"),
            shape=np.array([3, 5], np.uint32),
        ),
        np.place(dense := np.zeros((3, 5), np.float32), MASK, normal(int(MASK.sum()))) or dense,
        IOS16,
    ),
    _constant(
        "constexpr_sparse_to_dense",
        lambda: mb.constexpr_sparse_to_dense(nonzero_data=normal(int(MASK.sum())), mask=_uint1(MASK)),
        dense,
        IOS18,
    ),
    _constant(
        "constexpr_cast",
        lambda: mb.constexpr_cast(source_val=M.astype(np.float16), output_dtype="fp32"),
        M.astype(np.float16),
        IOS16,
    ),
)
