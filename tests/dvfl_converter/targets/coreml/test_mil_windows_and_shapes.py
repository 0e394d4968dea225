"""Windows, axes and broadcasting over many shapes, against PyTorch and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Builder
from mil_programs import output_of, outputs_of
from operator_cases import IOS16, normal
from torch.nn import functional

mb = Builder
SEEDS = range(8)


def assert_close(found, expected):
    assert found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def dice(seed: int) -> np.random.Generator:
    return np.random.default_rng([77, seed])


def same_padded(x: torch.Tensor, windows, strides, lower: bool, value: float = 0.0) -> torch.Tensor:
    """TensorFlow's SAME, from its definition: ceil(size / stride) results, the odd element at one end."""
    ends: list[int] = []
    for size, window, stride in zip(x.shape[2:], windows, strides, strict=True):
        total = max(0, (int(np.ceil(size / stride)) - 1) * stride + window - size)
        pair = (total // 2, total - total // 2)
        ends = [*(reversed(pair) if lower else pair), *ends]
    return functional.pad(x, ends, value=value)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("pad_type", ["valid", "custom", "same", "same_lower"])
@pytest.mark.parametrize("seed", range(3))
def test_convolutions_of_any_stride_dilation_grouping_and_padding(axes, pad_type, seed):
    rng = dice(seed)
    groups = int(rng.integers(1, 4))
    sizes, kernel = rng.integers(6, 10, axes), rng.integers(1, 4, axes)
    strides, dilations = rng.integers(1, 4, axes).tolist(), rng.integers(1, 3, axes).tolist()
    pads = rng.integers(0, 3, 2 * axes).tolist()
    x, weight = normal(2, 2 * groups, *sizes), normal(3 * groups, 2, *kernel)
    bias = normal(3 * groups)
    options = {"pad": pads} if pad_type == "custom" else {}
    found = output_of(
        lambda x: mb.conv(
            x=x,
            weight=weight,
            bias=bias,
            strides=strides,
            dilations=dilations,
            groups=groups,
            pad_type=pad_type,
            **options,
        ),
        x=x,
    )
    padded = torch.from_numpy(x)
    if pad_type == "custom":
        padded = functional.pad(
            padded, [n for pair in zip(pads[-2::-2], pads[::-2], strict=True) for n in pair]
        )
    elif pad_type != "valid":
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        padded = same_padded(padded, reach, strides, pad_type == "same_lower")
    conv = (functional.conv1d, functional.conv2d, functional.conv3d)[axes - 1]
    expected = conv(
        padded, torch.from_numpy(weight), torch.from_numpy(bias), strides, 0, tuple(dilations), groups
    )
    assert_close(found, expected)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("seed", range(2))
def test_transposed_convolutions(axes, seed):
    rng = dice(seed)
    groups, strides = int(rng.integers(1, 3)), rng.integers(1, 4, axes).tolist()
    x, weight = (
        normal(1, 2 * groups, *rng.integers(3, 6, axes)),
        normal(2 * groups, 3, *rng.integers(2, 4, axes)),
    )
    found = output_of(
        lambda x: mb.conv_transpose(
            x=x, weight=weight, strides=strides, groups=groups, pad_type="custom", pad=[1] * 2 * axes
        ),
        x=x,
    )
    convs = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
    expected = convs[axes - 1](
        torch.from_numpy(x), torch.from_numpy(weight), None, tuple(strides), 1, 0, groups
    )
    assert_close(found, expected)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("exclude", [False, True])
def test_average_pooling_counts_padding_as_pytorch(axes, ceil, exclude):
    if ceil and axes == 3:
        pytest.skip("MIL has no ceil_mode over three axes")
    x = normal(2, 3, *(9, 8, 7)[:axes])
    found = output_of(
        lambda x: mb.avg_pool(
            x=x,
            kernel_sizes=[3] * axes,
            strides=[2] * axes,
            pad_type="custom",
            pad=[1] * 2 * axes,
            ceil_mode=ceil,
            exclude_padding_from_average=exclude,
        ),
        x=x,
    )
    pool = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[axes - 1]
    assert_close(found, pool(torch.from_numpy(x), 3, 2, 1, ceil, not exclude))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("pad_type", ["valid", "same", "same_lower"])
def test_max_pooling_never_picks_padding(axes, pad_type):
    x = -np.abs(normal(2, 3, *(9, 8, 7)[:axes])) - 1
    found = output_of(
        lambda x: mb.max_pool(x=x, kernel_sizes=[2] * axes, strides=[3] * axes, pad_type=pad_type), x=x
    )
    padded = torch.from_numpy(x)
    if pad_type != "valid":
        padded = same_padded(padded, [2] * axes, [3] * axes, pad_type == "same_lower", -np.inf)
    pool = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[axes - 1]
    assert_close(found, pool(padded, 2, 3))


@pytest.mark.parametrize("size", [5, 6, 7, 8])
def test_ceil_mode_is_pytorchs(size):
    x = normal(1, 2, size, size + 1)
    found = output_of(
        lambda x: mb.max_pool(
            x=x, kernel_sizes=[2, 3], strides=[3, 2], pad_type="custom", pad=[1, 1, 1, 1], ceil_mode=True
        ),
        x=x,
    )
    assert_close(found, functional.max_pool2d(torch.from_numpy(x), (2, 3), (3, 2), 1, ceil_mode=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_slices_are_numpys(seed):
    rng = dice(seed)
    shape = tuple(int(n) for n in rng.integers(3, 7, 4))
    x = normal(*shape)
    begin, end, stride, slices = [], [], [], []
    for size in shape:
        step = int(rng.choice([1, 1, 2, -1]))
        first = int(rng.integers(0, size - 1))
        last = int(rng.integers(first + 1, size))
        if step < 0:
            first, last = last, first
        if rng.random() < 0.3 and first > 0:
            first -= size
        begin.append(first)
        end.append(last)
        stride.append(step)
        slices.append(slice(first, last, step))
    found = output_of(lambda x: mb.slice_by_index(x=x, begin=begin, end=end, stride=stride), x=x)
    np.testing.assert_array_equal(found, x[tuple(slices)])


@pytest.mark.parametrize("seed", SEEDS)
def test_broadcasting_and_products_are_numpys(seed):
    rng = dice(seed)
    batch = rng.integers(1, 4, 2)
    x = normal(*(int(n) if rng.random() < 0.6 else 1 for n in batch), 3, 4)
    y = normal(*[int(n) for n in batch][int(rng.integers(0, 3)) :], 4, 2)
    np.testing.assert_allclose(
        output_of(lambda x, y: mb.matmul(x=x, y=y), x=x, y=y), x @ y, rtol=1e-5, atol=1e-5
    )
    z = y[..., :1, :1]
    np.testing.assert_allclose(output_of(lambda x, z: mb.sub(x=x, y=z), x=x, z=z), x - z, rtol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_reductions_and_norms_take_any_axes(seed):
    rng = dice(seed)
    x = normal(2, 3, 4, 5)
    axes = sorted(rng.choice(4, int(rng.integers(1, 4)), replace=False).tolist())
    signed = [axis - 4 if rng.random() < 0.5 else axis for axis in axes]
    keep = bool(rng.random() < 0.5)
    found = outputs_of(
        lambda x: (
            mb.reduce_mean(x=x, axes=signed, keep_dims=keep),
            mb.layer_norm(x=x, axes=signed, epsilon=1e-2),
        ),
        {"x": x},
    )
    assert_close(found[0], x.mean(tuple(axes), keepdims=keep))
    centred = x - x.mean(tuple(axes), keepdims=True)
    assert_close(found[1], centred / np.sqrt((centred**2).mean(tuple(axes), keepdims=True) + 1e-2))


@pytest.mark.parametrize(
    ("mode", "positions"),
    [
        ("STRICT_ALIGN_CORNERS", [0, 0.25, 0.5, 0.75, 1]),
        ("ALIGN_CORNERS", [0, 0.25, 0.5, 0.75, 1]),
        ("DEFAULT", [0, 0.4, 0.8, 1, 1]),
        ("OFFSET_CORNERS", [0.1, 0.3, 0.5, 0.7, 0.9]),
        ("UNALIGN_CORNERS", [0, 0.1, 0.5, 0.9, 1]),
    ],
)
def test_a_resize_samples_where_the_documentation_says(mode, positions):
    """The table in resize_bilinear's documentation, of an input [0, 1] and five outputs."""
    x = np.array([[[0, 1], [0, 1]]], np.float32)
    found = output_of(
        lambda x: mb.resize_bilinear(x=x, target_size_height=1, target_size_width=5, sampling_mode=mode), x=x
    )
    np.testing.assert_allclose(found[0, 0], positions, atol=1e-6)


def test_negative_indices_are_taken_until_ios_16():
    x, last = normal(3, 4), np.array([-1], np.int32)
    found = output_of(lambda x, i: mb.gather(x=x, indices=i, axis=0), opset=IOS16, x=x, i=last)
    np.testing.assert_array_equal(found, x[-1:])
