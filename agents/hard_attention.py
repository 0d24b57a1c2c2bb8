"""Show, Attend and Tell with hard attention (Xu et al. 2015, arXiv 1502.03044, section 4.1).

Each word sees one annotation, drawn from the attention. The likelihood trains everything else; the attention is trained
by REINFORCE, equation (11), for a lower cost of the sentence than its moving average, with an entropy term, and in half
of the updates by the likelihood, through the expectation in place of the draw. The constants are those of the authors'
code. See `agents.captioner` for the networks.

What differs from the paper, beside what stands there: draws begin after two fifths of the updates, since one annotation
of many teaches nothing about an object that it does not show, and the network must learn to see, where theirs comes
trained; there is a moving average for each number of objects, as the sentences of a batch are equally long; and at
evaluation the likeliest annotation is looked at: one path, no draws.

    python -m agents.hard_attention --steps 1_000_000
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from agents.captioner import Captioner, Recipe, expectation
from agents.captioning import learn, nats_a_word, teach
from agents.telling import CaptionAgent
from agents.training import Log, Row, ignore


@dataclass(frozen=True)
class Config(Recipe):
    """The recipe.

    Attributes:
        reinforce: Weight of REINFORCE against the likelihood, lambda_r.
        entropy: Weight of the attention's entropy, lambda_e.
        expect: Chance that a batch takes the expectation in place of draws.
        expect_first: Up to which share of the updates every batch does.
        forget: Share of a moving average that stays at each update; 1 leaves it at 0, for no baseline.
    """

    reinforce: float = 0.1
    entropy: float = 0.002
    expect: float = 0.5
    expect_first: float = 0.4
    forget: float = 0.9


def likeliest(scores: Tensor, annotations: Tensor) -> tuple[Tensor, Tensor]:
    """The annotation that weighs most, and the weights."""
    return _pick(annotations, scores.argmax(1)), torch.softmax(scores.float(), 1)


def _pick(annotations: Tensor, which: Tensor) -> Tensor:
    return annotations[torch.arange(len(which)), which]


class Loss:
    """Equation (11) with the paper's three tricks; a part of the checkpoint, for its moving averages.

    Attributes:
        baselines: Length of the longest sentence in an update -> moving average of the cost.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.baselines = config, dict[int, float]()

    def state_dict(self) -> dict[int, float]:
        """What a checkpoint keeps."""
        return dict(self.baselines)

    def load_state_dict(self, state: dict[int, float]) -> None:
        """What a checkpoint gives back."""
        self.baselines = dict(state)

    def __call__(
        self, captioner: Captioner, annotations: Tensor, sentences: Tensor, passed: float = 1.0
    ) -> tuple[Tensor, Row]:
        """The mean over the scenes, and what to log; `passed` is the share of updates that have."""
        config, draws, length = self.config, [], sentences.shape[1]
        baseline = self.baselines.get(length, 0.0)

        def draw(scores: Tensor, annotations: Tensor) -> tuple[Tensor, Tensor]:
            weights = torch.softmax(scores.float(), 1)
            which = torch.multinomial(weights.detach(), 1)[:, 0]
            draws.append(-F.cross_entropy(scores.float(), which, reduction="none"))
            return _pick(annotations, which), weights

        expects = bool(torch.rand(()) < config.expect) or passed < config.expect_first
        told = teach(captioner, annotations, sentences, expectation if expects else draw)
        cost = told.costs.sum(0)
        loss = cost.mean()
        entropy = -(told.weights * (told.weights + 1e-8).log()).sum(2)
        loss = loss - config.entropy * (entropy * told.there).sum(0).mean()
        if not expects:
            looks = (torch.stack(draws) * told.there).sum(0)
            loss = loss + config.reinforce * ((cost.detach() - baseline) * looks).mean()
        self.baselines[length] = config.forget * baseline + (1 - config.forget) * float(cost.detach().mean())
        mean_entropy = float((entropy.detach() * told.there).sum() / told.there.sum())
        return loss, {"nats_a_word": nats_a_word(told), "entropy": mean_entropy}


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
    captioner = learn(
        task, "hard_attention", Loss(recipe), recipe=recipe, seed=seed, steps=steps, folder=folder, log=log,
        overrides=overrides or {},
    )  # fmt: skip
    return CaptionAgent(captioner, likeliest)


if __name__ == "__main__":
    from agents.command_line import train_and_score

    score = train_and_score(train, Config(), task="SceneCaption-v0", steps=1_000_000, folder="runs/hard_attention")
    print(f"{score.log.id}: mean reward {score.mean_return:.4f}, {100 * score.accuracy:.2f} % equal to a reference")
