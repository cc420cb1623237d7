"""Learning from other networks."""

from dataclasses import replace

import pytest
import torch

from fiqa.models import LITE, DslFiqa
from training.errors import RunError
from training.fit.distillation import TAUGHT_SHARE, Teachers, load_teachers
from training.fit.starting import LITE_PREPROCESSING, Start, from_checkpoint

VIEWS, CROPS = 3, 2


@pytest.fixture
def teachers() -> Teachers:
    torch.manual_seed(0)
    return Teachers([DslFiqa(LITE), DslFiqa(replace(LITE, decoder_dim=16))])


@pytest.fixture
def seen() -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of the views, and landmarks."""
    torch.manual_seed(1)
    return torch.randn(VIEWS * CROPS, 3, 128, 128), torch.rand(VIEWS * CROPS, 68, 2)


def test_labels_meet_the_mean_of_the_teachers_over_crops_and_where_there_is_none_it_stands_alone(
    teachers: Teachers, seen: tuple[torch.Tensor, torch.Tensor]
) -> None:
    labels = torch.tensor([0.2, float("nan"), 0.9])
    with torch.no_grad():
        taught = torch.stack([network(*seen).score.view(VIEWS, CROPS).mean(1) for network in teachers.networks]).mean(0)
    targets = teachers.targets(*seen, labels)
    torch.testing.assert_close(targets[1], taught[1])
    mixed = (1 - TAUGHT_SHARE) * labels + TAUGHT_SHARE * taught
    torch.testing.assert_close(targets[[0, 2]], mixed[[0, 2]])


def test_teaching_leaves_the_teachers_as_they_were(teachers: Teachers, seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    before = {name: tensor.clone() for name, tensor in teachers.networks[0].state_dict().items()}
    assert not teachers.targets(*seen, torch.rand(VIEWS)).requires_grad
    assert all(torch.equal(before[name], tensor) for name, tensor in teachers.networks[0].state_dict().items())


def test_a_teacher_that_sees_other_crops_is_refused_by_name() -> None:
    student = from_checkpoint("lite", None)
    assert len(load_teachers(["lite", "lite"], student).networks) == 2
    closer = Start(student.network, replace(LITE_PREPROCESSING, margin=1.2), "random weights")
    with pytest.raises(RunError, match="lite cannot teach this network: it takes other crops of a face"):
        load_teachers(["lite"], closer)
