"""R2AM: what its stages compute and weigh, what it hears, lexicons by hand, that it learns, and exact resumes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from agents import r2am
from agents.r2am_decoders import places, step_right
from agents.r2am_encoders import Kind, Stage
from agents.training import make_lanes
from benchmarks.looking import scan_paths
from glimpse_env import evaluate
from glimpse_env.evaluation import replay

ID = "DigitsSequence-v0"
Decoder = Literal["plain", "rnn", "attention"]
DECODERS: tuple[Decoder, ...] = ("plain", "rnn", "attention")


def bars(count: int = 200) -> tuple[Any, Any]:
    """Images of 12x12: a standing bar is class 0, a lying one class 1."""
    labels = np.arange(count) // 10 % 2
    images = np.zeros((count, 12, 12), np.uint8)
    images[labels == 0, :, 5:7] = 255
    images[labels == 1, 5:7, :] = 255
    return images, labels


#: One to three bars in a row, to be read from left to right: 14 texts.
TOY: dict[str, Any] = {"source": bars(), "canvas": (12, 28), "count": (1, 3), "patch": 4, "scales": (1,), "budget": 5}
SMALL: dict[str, Any] = {"channels": (8, 16), "features": 32, "scenes": 32, "learning_rate": 1e-2}


def reader_of(symbols: int = 6, length: int = 4, **config: Any) -> r2am.Reader:
    torch.manual_seed(0)
    return r2am.Reader(1, 20, 30, symbols, length, r2am.Config(**{**SMALL, **config}))


def stage_of(inputs: int, outputs: int, *, encoder: Kind, iterations: int) -> Stage:
    torch.manual_seed(0)
    return Stage(inputs, outputs, encoder, iterations).eval()


def weights(module: nn.Module) -> int:
    return sum(part.numel() for part in module.parameters())


@pytest.mark.parametrize("decoder", DECODERS)
def test_shapes(decoder: Decoder) -> None:
    reader = reader_of(decoder=decoder)
    logits, maps = reader(torch.rand(3, 1, 20, 30))
    assert reader.grid == (5, 7)  # 10 x 15 of folded pixels, halved once
    assert logits.shape == (3, 4, 6)
    assert (maps is not None) == (decoder == "attention")
    if maps is not None:
        assert maps.shape == (3, 4, 35)
        assert torch.allclose(maps.sum(2), torch.ones(3, 4), atol=1e-5)
    said, seen = reader.read(np.zeros((3, 20, 30), np.uint8))
    assert said.shape == (3, 4)
    assert seen is None or seen.shape == (3, 4, 5, 7)


def test_once_tied_is_a_plain_convolution() -> None:
    stage, x = stage_of(5, 5, encoder="tied", iterations=1), torch.randn(2, 5, 6, 7)
    once = F.relu(F.conv2d(x, stage.again.weight, padding=1) / math.sqrt(1 + 1e-5))  # normalised by mean 0, variance 1
    assert torch.allclose(stage(x), once, atol=1e-5)
    widened, x = stage_of(3, 5, encoder="tied", iterations=1), x[:, :3]
    assert torch.allclose(
        widened(x[:, :3]), F.relu(F.conv2d(x[:, :3], widened.again.weight[:, :3], padding=1)), atol=1e-3
    )


@pytest.mark.parametrize("encoder", ["recursive", "recurrent"])
def test_every_iteration_applies_the_same_weight(encoder: Kind) -> None:
    stage, x = stage_of(3, 5, encoder=encoder, iterations=3), torch.randn(2, 3, 6, 7)
    first, again = stage.first.weight, stage.again.weight
    fed = F.conv2d(x, first, padding=1)
    h = F.relu(fed)
    for _ in range(3):
        h = F.relu(F.conv2d(h, again, padding=1) + (fed if encoder == "recurrent" else 0))
    assert torch.allclose(stage(x), h, atol=1e-3)


def test_iterations_cost_but_scale_and_shift_and_recurrent_has_as_many_as_recursive() -> None:
    for n in (1, 4):
        assert weights(stage_of(3, 5, encoder="tied", iterations=n)) == 9 * 5 * 5 + n * 2 * 5
        untied = [weights(stage_of(3, 5, encoder=kind, iterations=n)) for kind in ("recursive", "recurrent")]
        assert untied == [9 * 3 * 5 + 9 * 5 * 5 + (n + 1) * 2 * 5] * 2
    assert weights(reader_of(encoder="recursive")) == weights(reader_of(encoder="recurrent"))


@pytest.mark.parametrize("encoder", ["recursive", "recurrent"])
def test_a_deep_stage_begins_as_a_shallow_one(encoder: Kind) -> None:
    x = torch.randn(2, 16, 6, 7)
    once, deep = (stage_of(16, 64, encoder=encoder, iterations=n)(x).flatten() for n in (1, 3))
    assert F.cosine_similarity(once, deep, dim=0) > 0.7


def test_attention_begins_at_the_left_and_goes_right_step_by_step() -> None:
    code = places(2, 25)
    assert code.shape == (50, 24)
    assert torch.equal(code[:25], code[25:])
    closeness = code[:25] @ code[9]
    assert closeness.argmax() == 9
    assert torch.allclose(closeness[:9], closeness[10:19].flip(0), atol=1e-5)
    turned = step_right(0.25) @ code[9]
    assert (code[:25] @ turned).argmax() == 9 + 3
    _, maps = reader_of(length=5)(torch.zeros(1, 1, 20, 30))
    middles = maps.detach().view(5, 5, 7).sum(1) @ torch.arange(7.0)
    assert middles.diff().min() > 0
    assert middles[0] < 2.5


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_reader_hears_what_it_said(decoder: Decoder) -> None:
    reader = reader_of(decoder=decoder).eval()
    if decoder == "rnn":  # which at first adds nothing
        nn.init.normal_(reader.decoder.answer.weight)
    scenes = torch.rand(4, 1, 20, 30)
    own, _ = reader(scenes)
    said = own.argmax(2)
    assert torch.allclose(reader(scenes, said)[0], own, atol=1e-5)
    other = said.clone()
    other[:, 1] = (said[:, 1] + 1) % 6
    heard = (reader(scenes, other)[0] - own).abs().amax((0, 2)) > 1e-6
    assert heard.tolist() == ([False] * 4 if decoder == "plain" else [False, False, True, True])


def test_a_character_rnn_begins_as_the_plain_decoder_which_it_leaves_alone() -> None:
    speaker, features = reader_of(decoder="rnn").decoder, torch.rand(40, 16, 5, 7, requires_grad=True)
    text = torch.randint(0, 6, (40, 4))
    logits, _ = speaker(features, text)
    assert torch.equal(logits, speaker.plain(features, None)[0])
    logits.square().sum().backward()
    assert features.grad is None
    assert all(part.grad is None for part in speaker.plain.parameters())
    assert float(speaker.answer.weight.grad.norm()) > 0


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_weight_learns_once(decoder: Decoder) -> None:
    reader = reader_of(decoder=decoder)
    learners = [nn.ModuleList(learner) for learner in r2am.learners(reader)]
    assert len(learners) == (2 if decoder == "rnn" else 1)
    assert sum(map(weights, learners)) == weights(reader)


def test_likelihood_by_hand() -> None:
    odds = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    text = torch.tensor([[0, 2], [1, -1], [2, 2]])
    likely = r2am.likelihood(odds.log().expand(3, 2, 3), text)
    assert likely.exp().tolist() == pytest.approx([0.35, 0.25, 0.175])


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_likeliest_word_of_a_lexicon_is_chosen(decoder: Decoder) -> None:
    reader = reader_of(decoder=decoder, precision="float32")
    random = np.random.default_rng(0)
    canvases, lexicons = random.integers(0, 256, (30, 20, 30), np.uint8), random.integers(0, 6, (30, 7, 4))
    lexicons[:, ::2, 3] = -1
    chosen = reader.choose(canvases, lexicons)
    for scene in (0, 24, 25, 29):
        image = r2am.as_input(canvases[[scene]])
        words = torch.from_numpy(lexicons[scene])
        with torch.no_grad():
            odds = [float(r2am.likelihood(reader(image, word[None])[0], word[None])) for word in words]
        assert chosen[scene] == int(np.argmax(odds))
    assert len(set(chosen.tolist())) > 2


@pytest.mark.parametrize("decoder", DECODERS)
def test_learns_to_read(decoder: Decoder, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    arguments: dict[str, Any] = {"overrides": TOY, "log": rows.append, **SMALL}
    agent = r2am.train(ID, seed=0, steps=5 * 32 * 80, folder=tmp_path, decoder=decoder, **arguments)
    score = evaluate(agent, ID, scenes=200, progress=False, **TOY)
    assert score.accuracy > 0.8  # by chance 1 in 6
    assert score.symbol_error_rate is not None
    assert score.symbol_error_rate < 0.1
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert replay(score.log).accuracy == score.accuracy


def test_its_eye_goes_where_it_read(tmp_path: Path) -> None:
    agent = r2am.train(ID, seed=0, steps=5 * 32 * 80, folder=tmp_path, overrides=TOY, **SMALL)
    env = make_lanes(ID, 300, "test", **TOY)
    env.reset(seed=0, options={"index": np.arange(300)})
    boxes, texts = env.boxes(), env.targets()
    right = (boxes[:, :3, 2] > 0) & (agent.reader.read(env.canvases())[0][:, :3] == texts[:, :3])
    middles = 2 * (boxes[:, :3, 1] + 5.5) / 27 - 1
    score = evaluate(agent, ID, scenes=300, progress=False, **TOY)
    gazes = scan_paths(score.log)[:, 1:3, 1]
    there = right[:, 1:] & ~np.isnan(gazes)
    assert np.corrcoef(gazes[there], middles[:, 1:][there])[0, 1] > 0.5


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 3, "steps": 18 * 8 * 6, **SMALL, "scenes": 8}
    arguments["overrides"] = {"canvas": (28, 48), "count": (1, 2)}
    rows: list[dict[str, float]] = []
    whole = r2am.train(ID, folder=tmp_path / "whole", log=rows.append, **arguments)

    def kill_at_the_third(row: dict[str, float]) -> None:
        if row["steps"] == rows[2]["steps"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        r2am.train(ID, folder=tmp_path / "killed", log=kill_at_the_third, **arguments)
    for folder in ("killed", "again"):  # the rest of a run, and all of it
        other = r2am.train(ID, folder=tmp_path / folder, **arguments)
        state = other.reader.state_dict()
        assert all(torch.equal(part, state[name]) for name, part in whole.reader.state_dict().items())
    with pytest.raises(ValueError, match="other settings"):
        r2am.train(ID, folder=tmp_path / "killed", **{**arguments, "seed": 4})


def test_a_task_of_one_symbol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"CenteredDigits-v0 asks for one symbol.*full_view"):
        r2am.train("CenteredDigits-v0", seed=0, steps=100, folder=tmp_path)
