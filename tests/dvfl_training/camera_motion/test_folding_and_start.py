"""The training-time normalisation folds away without a trace."""

from __future__ import annotations

import torch

from dvfl.model import Architecture
from dvfl_training.camera_motion.network import Student


def test_the_folded_network_has_the_students_logits() -> None:
    torch.manual_seed(0)
    student = Student(Architecture(depths=(1, 1, 2, 1), width=8, num_classes=10))
    clips = torch.randn(6, 8, 3, 32, 32)
    student.train()
    for _ in range(3):
        student(clips)
    student.eval()
    with torch.no_grad():
        torch.testing.assert_close(student.folded()(clips), student(clips), rtol=1e-5, atol=1e-5)


def test_folding_leaves_the_student_as_it_was() -> None:
    torch.manual_seed(0)
    student = Student(Architecture(depths=(1, 1, 1, 1), width=8, num_classes=10))
    before = {key: value.clone() for key, value in student.state_dict().items()}
    student.folded()
    assert all(torch.equal(value, before[key]) for key, value in student.state_dict().items())


def test_the_temporal_modulator_starts_as_the_product() -> None:
    torch.manual_seed(0)
    student = Student(Architecture(depths=(1, 1, 2, 1), width=16, num_classes=10))
    modulation = student.network.layers[0].blocks[0].modulation
    assert torch.equal(modulation.h.bias, torch.ones(16))
    assert torch.equal(modulation.f.bias[:16], torch.ones(16))
    assert float(modulation.f.weight[:16].detach().std()) < 0.2 * float(
        modulation.f.weight[16:32].detach().std()
    )
