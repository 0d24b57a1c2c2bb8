"""How good are the bundled digits? Train a small CNN on them alone and test it on the real MNIST test images.

    python -m benchmarks.glyph_transfer

The network sees the bundled training split only, and its last state is tested once; no real image takes part in
training or in choosing it. (The first 10,000 real *training* images were looked at while the strokes were designed, to
see which ways of writing were missing; the test images were not.)
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import tyro
from rich.progress import Progress
from torch import nn

from benchmarks.files import RESULTS, environment, write_json
from glimpse_env.sources import ImageSet, load


@dataclass(frozen=True)
class Config:
    """What to train, and where to write the result.

    Attributes:
        epochs: Passes over the 55,000 bundled training images.
        seed: Of the initial weights and of the order of the images.
        threads: Of torch.
        batch: Images a step.
        learning_rate: Adam's at the first step; it falls to 0 along a cosine.
        out: The JSON file to write.
    """

    epochs: int = 4
    seed: int = 0
    threads: int = 1
    batch: int = 128
    learning_rate: float = 2e-3
    out: Path = RESULTS / "glyph_transfer.json"


def small_cnn() -> nn.Sequential:
    """Three convolutions and one hidden layer: 28x28 grey image in [0, 1] -> 10 logits."""

    def block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)

    return nn.Sequential(
        *block(1, 24),
        *block(24, 48),
        *block(48, 96),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(96 * 9, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def as_input(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (n, height, width) -> float32 (n, 1, height, width) in [0, 1]."""
    return torch.from_numpy(images.astype(np.float32) / 255)[:, None]


def train(data: ImageSet, config: Config) -> nn.Sequential:
    """Train a `small_cnn` with Adam, cross-entropy and a cosine schedule, and return it in evaluation mode."""
    torch.manual_seed(config.seed)
    network = small_cnn()
    steps = config.epochs * (len(data) // config.batch)
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    labels = torch.from_numpy(data.labels.copy())
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("training on bundled digits", total=steps)
        for _ in range(config.epochs):
            for rows in torch.randperm(len(data))[: len(data) // config.batch * config.batch].split(config.batch):
                loss = nn.functional.cross_entropy(network(as_input(data.images[rows.numpy()])), labels[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                progress.update(task, advance=1, description=f"training on bundled digits, loss {loss.item():.3f}")
    return network.eval()


@torch.no_grad()
def predict(network: nn.Module, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The most likely class of each image, shape (n,)."""
    parts = (images[i : i + 1000] for i in range(0, len(images), 1000))
    return np.concatenate([network(as_input(part)).argmax(1).numpy() for part in parts])


def main(config: Config) -> None:
    """Train, test once, write the result and print it."""
    torch.set_num_threads(config.threads)
    real, bundled = load("mnist", fallback=None).split("test"), load("digits")  # real first: fail before training
    started = time.perf_counter()
    network = train(bundled.split("train"), config)
    seconds = time.perf_counter() - started
    right = predict(network, real.images) == real.labels
    held_out = bundled.split("test")
    result = {
        "trained_on": "bundled digits, train split",
        "tested_on": "MNIST, all 10,000 test images",
        "accuracy": round(float(right.mean()), 4),
        "recall_by_class": {
            name: round(float(right[real.labels == i].mean()), 4) for i, name in enumerate(bundled.classes)
        },
        "accuracy_on_bundled_test": round(float((predict(network, held_out.images) == held_out.labels).mean()), 4),
        "training_seconds": round(seconds, 1),
        "config": {**asdict(config), "out": config.out.name},
        **environment(),
    }
    write_json(config.out, result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
