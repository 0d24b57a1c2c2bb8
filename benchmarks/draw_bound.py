"""How well DRAW models binarised MNIST: its bound on the test split, with attention and without, beside the paper's.

    python -m benchmarks.draw_bound --attention
    python -m benchmarks.draw_bound --no-attention

Each trains (killed, it goes on where it was), scores the test split once, and writes the result, the curve and pictures
of its drawings to ``benchmarks/results/draw/``. The paper's numbers are 64 steps on the fixed binarisation of
Salakhutdinov and Murray (2008); ours is drawn from seed 0 in the same way, so a few tenths between them say nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import tyro

from agents import draw
from agents.draw_pictures import animate, stages
from benchmarks.cells import Curve
from benchmarks.files import RESULTS, environment, write_json
from glimpse_env.sources import load

#: Attention -> the paper's bound in nats, table 2; R: from recollection, not confirmed.
PUBLISHED = {True: (80.97, "R"), False: (87.40, "R")}
SEED = 0  # of the test split's binarisation


def main(
    *,
    attention: bool = True,
    images: int = 1_800_000,
    seed: int = 0,
    runs: Path = Path("runs/draw"),
    results: Path = RESULTS / "draw",
) -> None:
    """Train one of the two and measure it.

    Args:
        attention: Read and write patches, or whole images.
        images: How many it is trained on.
        seed: Of the training.
        runs: For checkpoints.
        results: For the result and the pictures; what is there is never overwritten.

    Raises:
        FileExistsError: If there is a result already.
    """
    torch.set_num_threads(1)
    name = f"{'attention' if attention else 'no_attention'}-seed{seed}"
    path = results / f"{name}.json"
    if path.exists():
        raise FileExistsError(f"{path} is a result already and is never overwritten; choose another seed or folder")
    result, model = measure(attention, images, seed, runs / name)
    write_json(path, result)
    noise = torch.randn(model.config.steps, 100, model.config.latent, generator=torch.Generator().manual_seed(0))
    canvases, places = model.imagine(noise)
    stages(canvases[:, :8], places[:, :8], path.with_suffix(".png"))
    animate(canvases[:, :25], places[:, :25], path.with_suffix(".gif"), columns=5)
    print(
        f"{name}: -log p <= {result['bound']:.2f} +- {result['standard_error']:.2f} nats; paper {result['published']}"
    )


def measure(attention: bool, images: int, seed: int, folder: Path) -> tuple[dict[str, Any], draw.Draw]:
    """Train, then score every image of the test split by one sample."""
    made_on, curve, config = environment(), Curve(folder / "curve.json"), draw.Config(attention=attention)
    model = draw.train(seed=seed, images=images, folder=folder, log=curve.log, **asdict(config))
    seconds = curve.seconds
    nats, divergence = draw.bound(model, load("mnist", fallback=None).split("test").images, seed=SEED)
    published, label = PUBLISHED[attention]
    result = {
        "format": 1,
        "model": "draw",
        "data": "MNIST; training images binarised at every presentation, test images once",
        "seed": seed,
        "binarisation_seed": SEED,
        "config": asdict(config),
        "images": images,
        "bound": float(nats.mean()),
        "standard_error": float(nats.std() / math.sqrt(len(nats))),
        "divergence": divergence,
        "scored": len(nats),
        "published": published,
        "published_label": label,
        "train_seconds": round(seconds, 1),
        "curve": curve.rows,
        **made_on,
    }
    return result, model


if __name__ == "__main__":
    tyro.cli(main, prog="python -m benchmarks.draw_bound", description=__doc__)
