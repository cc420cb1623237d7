"""How a loss on the score is gamed: `make bench NAME=adversarial`.

The pixels of a blurred portrait are changed by at most 2 of 255, step by step in the direction in which the score
grows, once plainly and once with noise and a shift of the landmarks in every step. Prints the score before and after,
as the picture is and saved as JPEG, and how far the picture is from the one before (PSNR).
"""

import io
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut
from torch import Tensor

from benchmarks.script import run_benchmark
from fiqa import load_predictor
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.metric import FaceQuality

LARGEST_CHANGE = 2 / 255
STEPS = 20
STEP = LARGEST_CHANGE / 4
NOISE, SHIFT_PX = 4 / 255, 2.0
JPEG_QUALITY = 75


def main() -> None:
    predictor, loss = load_predictor("lite", device="cpu"), FaceQuality("lite", as_loss=True)
    blurred = DEGRADATIONS["gaussian_blur"](astronaut(), 0.5)
    landmarks = predictor.finder.find(blurred)[0].landmarks
    original = torch.from_numpy(blurred.copy()).permute(2, 0, 1)[None] / 255

    def plainly(picture: Tensor, _step: int) -> Tensor:
        left: Tensor = loss(picture, landmarks=landmarks[None])
        return left

    def with_noise(picture: Tensor, step: int) -> Tensor:
        random = torch.Generator().manual_seed(step)
        shift = SHIFT_PX * torch.randn((1, 1, 2), generator=random)
        noisy = picture + NOISE * torch.randn(picture.shape, generator=random)
        left: Tensor = loss(noisy, landmarks=torch.from_numpy(landmarks) + shift)
        return left

    print(f"{'':24} {'score':>6} {'as JPEG':>8} {'PSNR':>8}")
    for name, objective in (("before", None), ("after", plainly), ("after, with noise", with_noise)):
        picture = ascend(original, objective) if objective else original
        pixels = (255 * picture[0]).round().byte().permute(1, 2, 0).numpy()
        scores = [predictor.score(each).score for each in (pixels, saved_as_jpeg(pixels))]
        psnr = -10 * (picture - original).square().mean().log10().item()
        print(f"{name:24} {scores[0]:6.2f} {scores[1]:8.2f} {psnr:6.1f} dB")


def ascend(original: Tensor, objective: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Return a picture (1, 3, H, W) no more than `LARGEST_CHANGE` away for which the objective is lower."""
    picture = original
    for step in range(STEPS):
        picture = picture.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(picture, step), picture)
        change = (picture.detach() - STEP * gradient.sign() - original).clamp(-LARGEST_CHANGE, LARGEST_CHANGE)
        picture = (original + change).clamp(0, 1)
    return picture


def saved_as_jpeg(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) as it is after saving and opening."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(buffer))


if __name__ == "__main__":
    run_benchmark(main)
