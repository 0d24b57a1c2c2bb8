"""Show, Attend and Tell with soft attention (Xu et al. 2015, arXiv 1502.03044, section 4.2), and without any.

The context of a word is the mean annotation under the attention's weights, so that everything is trained by the
likelihood of the sentences alone, with the doubly stochastic penalty (14): over all words each annotation should be
seen as much as any other. See `agents.captioner` for the networks.

What differs from the paper, beside what stands there: the penalty weighs 0.01 and not 1, because most of a scene here
is empty, and a weight of 1 makes the attention look everywhere.

`attention=False` is the control: the same networks, but every word sees the same vector, the mean of what a layer of
about as many weights as the attention has makes of every annotation.

    python -m agents.soft_attention --steps 1_000_000
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from agents.captioner import Captioner, Recipe, expectation
from agents.captioning import learn, nats_a_word, teach
from agents.telling import CaptionAgent
from agents.training import Log, Row, ignore


@dataclass(frozen=True)
class Config(Recipe):
    """The recipe.

    Attributes:
        attention: Whether to attend; see the top of this file.
        cover: Weight of the doubly stochastic penalty.
    """

    attention: bool = True
    cover: float = 0.01


def loss_of(captioner: Captioner, annotations: Tensor, sentences: Tensor, cover: float) -> tuple[Tensor, Row]:
    """Equation (14), the mean over the scenes."""
    told = teach(captioner, annotations, sentences, expectation)
    loss = told.costs.sum(0).mean()
    if captioner.attends:
        seen = (told.weights * told.there[:, :, None]).sum(0)
        loss = loss + cover * ((1 - seen) ** 2).sum(1).mean()
    return loss, {"nats_a_word": nats_a_word(told)}


def train(
    task: str,
    *,
    seed: int,
    steps: int,
    folder: Path,
    log: Log = ignore,
    overrides: dict[str, Any] | None = None,
    **config: Any,
) -> CaptionAgent:
    """Train on fresh scenes of the training split; called again, it goes on from its checkpoint, to the same bits.

    Args:
        task: The environment's id.
        seed: Of the weights, the scenes and the references.
        steps: Environment steps in all; each reference learned from counts the words of the longest sentence.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times.
        overrides: Keywords of the task that differ from the id's.
        **config: See `Config`.

    Raises:
        DataError: If stand-in images would be trained on under an MNIST id.
        ValueError: If the folder holds a checkpoint made with other settings.
    """
    recipe = Config(**config)

    def loss(captioner: Captioner, annotations: Tensor, sentences: Tensor, passed: float) -> tuple[Tensor, Row]:
        return loss_of(captioner, annotations, sentences, recipe.cover)

    name = "soft_attention" if recipe.attention else "no_attention"
    captioner = learn(
        task, name, loss, recipe=recipe, attends=recipe.attention, seed=seed, steps=steps, folder=folder, log=log,
        overrides=overrides or {},
    )  # fmt: skip
    return CaptionAgent(captioner, expectation)


if __name__ == "__main__":
    from agents.command_line import train_and_score

    score = train_and_score(train, Config(), task="SceneCaption-v0", steps=1_000_000, folder="runs/soft_attention")
    print(f"{score.log.id}: mean reward {score.mean_return:.4f}, {100 * score.accuracy:.2f} % equal to a reference")
