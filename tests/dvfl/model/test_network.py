"""The network: parameter counts, released key names, and outputs that follow from the equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from dvfl.model import VARIANTS, Architecture, VideoFocalNet, variant_name

TINY = Architecture(depths=(1, 1, 2, 1), width=8, num_classes=5)


def on_meta(architecture: Architecture) -> VideoFocalNet:
    with torch.device("meta"):
        return VideoFocalNet(architecture)


def randomised(architecture: Architecture, seed: int = 0) -> VideoFocalNet:
    """Weights of unit gain in float64, with biases and norms that matter too."""
    torch.manual_seed(seed)
    network = VideoFocalNet(architecture).double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5)
            else:
                parameter.normal_(mean=float("norm" in name and name.endswith("weight")), std=0.3)
    return network


class TestParameters:
    @pytest.mark.parametrize(
        ("variant", "classes", "count"),
        [
            ("nano", 50, 22_175_504),
            ("nano", 51, 22_176_273),
            ("nano", 101, 22_214_723),
            ("nano", 174, 22_270_860),
            ("nano", 400, 22_444_654),
            ("tiny", 400, 49_553_272),
            ("small", 400, 88_735_168),
            ("base", 400, 157_389_216),
            ("base", 101, 157_082_741),
        ],
    )
    def test_the_count_is_the_published_networks(self, variant, classes, count):
        network = on_meta(VARIANTS[variant].with_classes(classes))
        assert sum(parameter.numel() for parameter in network.parameters()) == count

    @pytest.mark.parametrize(("variant", "tensors"), [("nano", 130), ("base", 548)])
    def test_the_state_dict_has_as_many_tensors_as_the_released_one(self, variant, tensors):
        assert len(on_meta(VARIANTS[variant]).state_dict()) == tensors

    @pytest.mark.parametrize("architecture", [*VARIANTS.values(), TINY])
    def test_keys_and_shapes_are_the_released_ones(self, architecture):
        state = {key: list(value.shape) for key, value in on_meta(architecture).state_dict().items()}
        assert state == released_shapes(architecture.depths, architecture.width, architecture.num_classes)

    def test_there_is_nothing_but_parameters_in_the_state_dict(self):
        network = on_meta(TINY)
        assert set(network.state_dict()) == dict(network.named_parameters()).keys()


def released_shapes(depths, e, k) -> dict[str, list[int]]:
    """The released state dict, written out."""
    shapes = {"patch_embed.proj.weight": [e, 3, 4, 4]}
    shapes |= {f"patch_embed.{name}": [e] for name in ("proj.bias", "norm.weight", "norm.bias")}
    for stage, depth in enumerate(depths):
        c = e * 2**stage
        for block in range(depth):
            of_block = {
                **{f"norm{i}.{name}": [c] for i in (1, 2) for name in ("weight", "bias")},
                "modulation.f.weight": [2 * c + 3, c],
                "modulation.f.bias": [2 * c + 3],
                "modulation.h.weight": [c, c, 1, 1],
                "modulation.h.bias": [c],
                "modulation.proj.weight": [c, c],
                "modulation.proj.bias": [c],
                "modulation.focal_layers.0.0.weight": [c, 1, 3, 3],
                "modulation.focal_layers.1.0.weight": [c, 1, 5, 5],
                "modulation.f_temporal.weight": [c + 3, c],
                "modulation.f_temporal.bias": [c + 3],
                "modulation.h_temporal.weight": [c, c, 1],
                "modulation.h_temporal.bias": [c],
                "modulation.focal_layers_temporal.0.0.weight": [c, c, 3],
                "modulation.focal_layers_temporal.1.0.weight": [c, c, 5],
                "mlp.fc1.weight": [4 * c, c],
                "mlp.fc1.bias": [4 * c],
                "mlp.fc2.weight": [c, 4 * c],
                "mlp.fc2.bias": [c],
            }
            shapes |= {f"layers.{stage}.blocks.{block}.{key}": shape for key, shape in of_block.items()}
        if stage < 3:
            shapes[f"layers.{stage}.downsample.proj.weight"] = [2 * c, c, 2, 2]
            for name in ("proj.bias", "norm.weight", "norm.bias"):
                shapes[f"layers.{stage}.downsample.{name}"] = [2 * c]
    shapes |= {"norm.weight": [8 * e], "norm.bias": [8 * e], "head.weight": [k, 8 * e], "head.bias": [k]}
    return shapes


class Equations:
    """The forward pass straight from the equations, channels last ``[B, T, h, w, C]``; no nn layer."""

    def __init__(self, weights, depths):
        self.w = weights
        self.depths = depths

    def logits(self, clips):
        x = self.patches(clips.permute(0, 1, 3, 4, 2), "patch_embed", 4)
        for stage, depth in enumerate(self.depths):
            for block in range(depth):
                prefix = f"layers.{stage}.blocks.{block}"
                x = x + self.modulation(self.norm(x, f"{prefix}.norm1"), f"{prefix}.modulation")
                hidden = gelu(self.linear(self.norm(x, f"{prefix}.norm2"), f"{prefix}.mlp.fc1"))
                x = x + self.linear(hidden, f"{prefix}.mlp.fc2")
            if stage < 3:
                x = self.patches(x, f"layers.{stage}.downsample", 2)
        return self.linear(self.norm(x, "norm").mean(dim=(2, 3)).mean(dim=1), "head")

    def linear(self, x, name):
        weight = self.w[f"{name}.weight"].flatten(1)
        return torch.einsum("...i,oi->...o", x, weight) + self.w[f"{name}.bias"]

    def norm(self, x, name):
        centred = x - x.mean(-1, keepdim=True)
        unit = centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5)
        return unit * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def patches(self, x, name, p):
        b, t, h, w, c = x.shape
        cut = x.reshape(b, t, h // p, p, w // p, p, c)
        projected = torch.einsum("btyixjc,ocij->btyxo", cut, self.w[f"{name}.proj.weight"])
        return self.norm(projected + self.w[f"{name}.proj.bias"], f"{name}.norm")

    def modulation(self, x, name):
        c = x.shape[-1]
        projected = self.linear(x, f"{name}.f")
        query, y, s = projected[..., :c], projected[..., c : 2 * c], projected[..., 2 * c :]
        y1 = gelu(self.depthwise(y, self.w[f"{name}.focal_layers.0.0.weight"]))
        y2 = gelu(self.depthwise(y1, self.w[f"{name}.focal_layers.1.0.weight"]))
        yg = gelu(y2.mean(dim=(2, 3), keepdim=True))
        spatial = self.linear(s[..., 0:1] * y1 + s[..., 1:2] * y2 + s[..., 2:3] * yg, f"{name}.h")

        projected = self.linear(x, f"{name}.f_temporal")
        z, g = projected[..., :c], projected[..., c:]
        z1 = gelu(self.over_time(z, self.w[f"{name}.focal_layers_temporal.0.0.weight"]))
        z2 = gelu(self.over_time(z1, self.w[f"{name}.focal_layers_temporal.1.0.weight"]))
        zg = gelu(z2.mean(dim=1, keepdim=True))
        context = g[..., 0:1] * z1 + g[..., 1:2] * z2 + g[..., 2:3] * zg
        temporal = self.linear(context, f"{name}.h_temporal")
        return self.linear(query * spatial * temporal, f"{name}.proj")

    def over_time(self, z, kernel):
        """A full convolution over T: each tap is a product with the frames shifted by it."""
        taps, frames = kernel.shape[2], z.shape[1]
        padded = nn.functional.pad(z, (0, 0, 0, 0, 0, 0, taps // 2, taps // 2))
        return sum(
            torch.einsum("bthwi,oi->bthwo", padded[:, k : k + frames], kernel[:, :, k]) for k in range(taps)
        )

    def depthwise(self, y, kernel):
        k, (h, w) = kernel.shape[2], y.shape[2:4]
        padded = nn.functional.pad(y, (0, 0, k // 2, k // 2, k // 2, k // 2))
        return sum(
            padded[:, :, i : i + h, j : j + w] * kernel[:, 0, i, j] for i in range(k) for j in range(k)
        )


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


class TestForward:
    @pytest.mark.parametrize(
        ("depths", "width", "clips", "frames", "height", "width_px"),
        [
            ((1, 1, 2, 1), 8, 2, 8, 64, 64),
            ((1, 1, 1, 1), 12, 3, 1, 32, 32),
            ((2, 1, 1, 1), 4, 2, 2, 64, 32),
            ((1, 2, 1, 2), 4, 1, 5, 32, 96),
            ((1, 1, 1, 1), 8, 2, 16, 32, 64),
        ],
    )
    def test_it_is_what_the_equations_say(self, depths, width, clips, frames, height, width_px):
        network = randomised(Architecture(depths, width, 7), seed=width + frames)
        x = torch.randn(clips, frames, 3, height, width_px, dtype=torch.float64)
        with torch.no_grad():
            found = network(x)
        expected = Equations(network.state_dict(), depths).logits(x)
        assert found.shape == (clips, 7)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)

    def test_every_parameter_moves_the_logits(self):
        network = randomised(TINY)
        network(torch.randn(1, 3, 3, 64, 64, dtype=torch.float64)).square().sum().backward()
        idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max()]
        assert idle == []

    def test_it_writes_no_attribute(self, monkeypatch):
        network = randomised(TINY)
        before = {name: dict(vars(module)) for name, module in network.named_modules()}
        weights = {key: value.clone() for key, value in network.state_dict().items()}

        def refuse(module, name, value):
            raise AssertionError(f"forward wrote {type(module).__name__}.{name} = {value!r}")

        monkeypatch.setattr(nn.Module, "__setattr__", refuse)
        with torch.no_grad():
            network(torch.randn(1, 2, 3, 32, 32, dtype=torch.float64))
        assert {name: dict(vars(module)) for name, module in network.named_modules()} == before
        assert all(torch.equal(network.state_dict()[key], value) for key, value in weights.items())

    def test_other_sizes_in_between_leave_the_result_as_it_is(self):
        network = randomised(TINY)
        clip = torch.randn(1, 8, 3, 32, 32, dtype=torch.float64)
        with torch.no_grad():
            first = network(clip)
            network(torch.randn(2, 3, 3, 64, 32, dtype=torch.float64))
            assert torch.equal(network(clip), first)

    def test_it_leaves_its_input_as_it_is(self):
        clip = torch.randn(1, 2, 3, 32, 32, dtype=torch.float64)
        kept = clip.clone()
        with torch.no_grad():
            randomised(TINY)(clip)
        assert torch.equal(clip, kept)

    def test_clips_of_a_batch_do_not_see_each_other(self):
        network = randomised(TINY)
        clips = torch.randn(3, 4, 3, 32, 32, dtype=torch.float64)
        other = clips.clone()
        other[1] = torch.randn_like(other[1])
        with torch.no_grad():
            together, changed = network(clips), network(other)
            alone = torch.cat([network(clip[None]) for clip in clips])
        torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(changed[[0, 2]], together[[0, 2]], rtol=1e-12, atol=1e-13)
        assert (changed[1] - together[1]).abs().max() > 1e-3

    def test_the_order_of_the_frames_matters(self):
        network = randomised(TINY)
        clip = torch.randn(1, 6, 3, 32, 32, dtype=torch.float64)
        with torch.no_grad():
            forward, backward = network(clip), network(clip.flip(1))
        assert (forward - backward).abs().max() > 1e-3 * forward.abs().max()

    def test_drop_path_acts_only_while_training(self):
        torch.manual_seed(0)
        network = VideoFocalNet(TINY, drop_path=0.9)
        clip = torch.randn(2, 2, 3, 32, 32)
        with torch.no_grad():
            assert not torch.equal(network(clip), network(clip))
            network.eval()
            assert torch.equal(network(clip), network(clip))

    def test_drop_path_rises_linearly_to_the_last_block(self):
        network = VideoFocalNet(TINY, drop_path=0.2)
        rates = [block.drop_path.probability for stage in network.layers for block in stage.blocks]
        assert rates == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])


class TestNames:
    @pytest.mark.parametrize("name", VARIANTS)
    def test_a_published_variant_keeps_its_name_for_any_number_of_classes(self, name):
        assert variant_name(VARIANTS[name].with_classes(7)) == name

    def test_another_width_is_named_after_its_depths(self):
        assert variant_name(Architecture((1, 1, 2, 1), 32, 10)) == "nano-w32"

    def test_other_depths_are_named_by_number(self):
        assert variant_name(Architecture((1, 1, 1, 1), 8, 5)) == "focal-1-1-1-1-w8"
