"""The native lanes as Stable-Baselines3 sees them, and its models as agents."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from glimpse_env import evaluate, sb3
from glimpse_env.env import GlimpseEnv
from glimpse_env.sb3 import GlimpseVecEnv, SB3Agent
from glimpse_env.sb3_agent import recognise
from glimpse_env.vector_env import GlimpseVectorEnv
from glimpse_env.wrappers import GlimpseHistory

LANES, SEED, ID = 4, 3, "CrowdedDigits-v0"
RNG = np.random.default_rng(0)
NOISE = (RNG.integers(0, 256, (200, 12, 12), np.uint8), np.arange(200) % 10)
SMALL: dict[str, Any] = {"source": NOISE, "canvas": 16, "clutter": 1, "fragment": 4, "patch": 4, "budget": 3, "grid": 3}
FIXED: dict[str, Any] = {**SMALL, "stopping": False, "glimpse_cost": 0.0, "zooms": (1,), "reward": "running"}


DRIFT: dict[str, Any] = {**FIXED, "scene": "drifting"}
CATCH: dict[str, Any] = {**FIXED, "source": "block", "scene": "catch", "clutter": 0, "reward": "final"}


def assert_same(one: Any, other: Any) -> None:
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def ones_of(history: bool, **task: Any) -> DummyVecEnv:
    """What `make_vec_env` would make: single environments, each in a Monitor."""
    wrap = GlimpseHistory if history else lambda env: env
    return DummyVecEnv([lambda: Monitor(wrap(gym.make(ID, **task))) for _ in range(LANES)])


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("mode", ["grid", "flat", "box"])
@pytest.mark.parametrize("task", [SMALL, FIXED, DRIFT, CATCH])
def test_step_equals_vec_env_of_single_environments(task: dict[str, Any], mode: str, history: bool) -> None:
    native = sb3.make(ID, LANES, seed=SEED, history=history, action_mode=mode, **task)
    dummy = ones_of(history, action_mode=mode, **task)
    dummy.seed(SEED)
    assert native.observation_space == dummy.observation_space
    assert native.action_space == dummy.action_space
    assert_same(native.reset(), dummy.reset())
    native.action_space.seed(SEED)
    ended = 0
    for _ in range(200):
        actions = np.stack([native.action_space.sample() for _ in range(LANES)])
        observation, rewards, dones, infos = native.step(actions)
        expected, expected_rewards, expected_dones, expected_infos = dummy.step(actions)
        assert_same(observation, expected)
        np.testing.assert_array_equal(rewards, expected_rewards)
        np.testing.assert_array_equal(dones, expected_dones)
        assert rewards.dtype == expected_rewards.dtype
        for lane in range(LANES):
            if not dones[lane]:
                assert infos[lane] == {}
                continue
            ended += 1
            assert_same(infos[lane].pop("terminal_observation"), expected_infos[lane].pop("terminal_observation"))
            episode, expected_episode = infos[lane].pop("episode"), expected_infos[lane].pop("episode")
            assert episode["r"] == pytest.approx(expected_episode["r"], abs=2e-6)
            assert episode["l"] == expected_episode["l"]
            assert set(episode) == set(expected_episode)
            assert infos[lane] == expected_infos[lane]
    assert ended > 50 * LANES / 2


def test_seeds_and_options_are_used_once() -> None:
    env = sb3.make(ID, LANES, seed=SEED, **SMALL)
    first, second = env.reset(), env.reset()
    assert not np.array_equal(first["glimpse"], second["glimpse"])
    env.seed(SEED)
    assert_same(env.reset(), first)
    env.set_options({"index": 7})
    frozen = env.reset()
    assert (frozen["glimpse"] == frozen["glimpse"][0]).all()
    assert not (env.reset()["glimpse"] == frozen["glimpse"]).all()


def test_lanes_without_a_seed_differ() -> None:
    seen = sb3.make(ID, LANES, **SMALL).reset()["gaze"]
    assert len(np.unique(seen[:, 0])) == LANES


def test_masks_reach_maskable_algorithms() -> None:
    env = sb3.make(ID, LANES, seed=SEED, action_mode="flat", **FIXED)
    env.reset()
    assert is_masking_supported(env)
    for spent in (False, False, True, False):
        masks = get_action_masks(env)
        assert masks.shape == (LANES, 9 + 10)
        assert (masks[:, :9] == (not spent)).all()
        assert (masks[:, 9:] == spent).all()
        env.step(np.full(LANES, 9 if spent else 0))
    assert len(env.env_method("action_masks", indices=[0, 2])) == 2


def test_attributes_of_the_lanes() -> None:
    env = sb3.make(ID, LANES, render_mode="rgb_array", **SMALL)
    env.reset()
    assert env.get_attr("task", [1, 2]) == [env.env.task] * 2
    assert env.env_is_wrapped(Monitor) == [True] * LANES
    assert env.env_is_wrapped(gym.wrappers.TimeLimit, 0) == [False]
    assert env.render().shape == (32, 32, 3)  # type: ignore[union-attr]  # four scenes of 16x16 in one picture
    with pytest.raises(NotImplementedError, match="'task' cannot be set"):
        env.set_attr("task", None)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        env.get_attr("nothing")


def test_what_stable_baselines_cannot_take_is_refused() -> None:
    with pytest.raises(ValueError, match="'hybrid' has a Dict action space"):
        sb3.make(ID, 2, action_mode="hybrid", **SMALL)
    with pytest.raises(ValueError, match="'NextStep' must be 'SameStep'"):
        GlimpseVecEnv(GlimpseVectorEnv(2, **SMALL))
    env = sb3.make(ID, 2, action_mode="flat", **SMALL)
    env.reset()
    with pytest.raises(ValueError, match="lane 1 must lie in"):
        env.step(np.array([0, 99]))


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.monitor", None)
    monkeypatch.delitem(sys.modules, "glimpse_env.sb3")
    with pytest.raises(ImportError, match=r"pip install 'glimpse-env\[agents\]'"):
        importlib.import_module("glimpse_env.sb3")


@pytest.mark.parametrize("mode", ["grid", "flat", "box"])
def test_stable_baselines_own_check(mode: str) -> None:
    """Without its warnings, which take every small array of three axes for an image that a CNN should see."""
    check_env(GlimpseEnv(**{**SMALL, "action_mode": mode}), warn=False)
    check_env(GlimpseHistory(GlimpseEnv(**{**SMALL, "action_mode": mode})), warn=False)


def test_plain_ppo_on_an_id_needs_no_wrapper() -> None:
    model = PPO("MultiInputPolicy", ID, n_steps=128, device="cpu").learn(256)
    assert model.num_timesteps == 256
    assert len(model.ep_info_buffer or ()) > 10


def test_ppo_learns_what_one_glimpse_tells() -> None:
    """The class is which of four quadrants is bright; the first glimpse sees them all, and the answer ends it."""
    images = np.zeros((4, 8, 8), np.uint8)
    for label in range(4):
        images[label, 4 * (label // 2) :, 4 * (label % 2) :][:4, :4] = 255
    quadrants: dict[str, Any] = {
        "source": dict.fromkeys(("train", "validation", "test"), (np.tile(images, (10, 1, 1)), np.arange(40) % 4)),
        "canvas": None, "clutter": 0, "patch": 8, "zooms": (4,), "budget": 1, "grid": 1,
        "stopping": False, "glimpse_cost": 0,
    }  # fmt: skip
    env = sb3.make(ID, 32, seed=SEED, **quadrants)
    model = PPO("MultiInputPolicy", env, n_steps=16, batch_size=128, learning_rate=3e-3, seed=SEED, device="cpu")
    model.learn(8192)
    assert np.mean([episode["r"] for episode in model.ep_info_buffer or ()]) > 0.8
    assert np.mean(model.ep_success_buffer or ()) > 0.8
    assert evaluate(SB3Agent(model), ID, progress=False, **quadrants).accuracy > 0.9
    assert evaluate_policy(model, env, n_eval_episodes=64)[0] > 0.9


LSTM = {"lstm_hidden_size": 16}
MODELS: dict[str, tuple[type[Any], str, dict[str, Any]]] = {
    "ppo": (PPO, "MultiInputPolicy", {"n_steps": 16, "batch_size": 32}),
    "a2c": (A2C, "MultiInputPolicy", {}),
    "dqn": (DQN, "MultiInputPolicy", {"learning_starts": 50, "buffer_size": 500, "batch_size": 16}),
    "recurrent": (RecurrentPPO, "MultiInputLstmPolicy", {"n_steps": 16, "batch_size": 32, "policy_kwargs": LSTM}),
    "maskable": (MaskablePPO, "MultiInputPolicy", {"n_steps": 16, "batch_size": 32}),
}


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_agent_acts_as_its_model_does(name: str, history: bool, tmp_path: Path) -> None:
    """Trained, saved, recognised and loaded again, it does what its model does step by step on the lanes."""
    kind, policy, settings = MODELS[name]
    flat = {"action_mode": "flat"} if name in ("dqn", "maskable") else {}
    env = sb3.make(ID, LANES, history=history, **flat, **FIXED)
    model = kind(policy, env, seed=SEED, device="cpu", **settings).learn(200)
    model.save(tmp_path / "model.zip")
    assert recognise(tmp_path / "model.zip") is kind

    score = evaluate(SB3Agent.load(tmp_path / "model.zip", ID, **FIXED), ID, scenes=LANES, progress=False, **FIXED)
    assert score.log.overrides["action_mode"] == ("flat" if flat else "grid")
    env = sb3.make(ID, LANES, history=history, split="test", **flat, **FIXED)
    env.set_options([{"index": lane} for lane in range(LANES)])
    observation, state, begins = env.reset(), None, np.ones(LANES, np.bool_)
    for step in range(FIXED["budget"]):
        masks = {"action_masks": get_action_masks(env)} if name == "maskable" else {}
        actions, state = model.predict(observation, state, begins, deterministic=True, **masks)
        np.testing.assert_array_equal(score.log.actions["action"][:, step], actions)
        observation, _, begins, _ = env.step(actions)


def test_agent_forgets_at_a_reset() -> None:
    env = sb3.make(ID, LANES, history=True, **FIXED)
    agent = SB3Agent(RecurrentPPO("MultiInputLstmPolicy", env, n_steps=16, seed=SEED, policy_kwargs=LSTM, device="cpu"))
    seen = GlimpseVectorEnv(LANES, **FIXED).reset(seed=SEED)[0]
    state, actions = [], []
    for _ in range(2):
        agent.reset(LANES)
        actions.append([agent.act(seen), agent.act({**seen, "budget": seen["budget"] - 1 / 3})])
        state.append(np.stack(agent._state))
    np.testing.assert_array_equal(actions[0], actions[1])
    np.testing.assert_array_equal(state[0], state[1])
    agent.act({**seen, "budget": seen["budget"] - 2 / 3})
    assert not np.array_equal(np.stack(agent._state), state[1])
    agent.reset(2)  # the last batch of scenes may be smaller
    assert agent.act({name: value[:2] for name, value in seen.items()}).shape == (2, 3)


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_belief_is_the_policys_choice_of_a_symbol(name: str, history: bool) -> None:
    kind, policy, settings = MODELS[name]
    flat = {"action_mode": "flat"} if name in ("dqn", "maskable") else {}
    env = sb3.make(ID, LANES, history=history, **flat, **FIXED)
    agent = SB3Agent(kind(policy, env, seed=SEED, device="cpu", **settings), ID, **FIXED)
    agent.reset(LANES)
    seen = GlimpseVectorEnv(LANES, **FIXED).reset(seed=SEED)[0]
    beliefs = []
    for step in range(2):
        actions = agent.act({**seen, "budget": seen["budget"] - step / 3})
        belief = agent.belief()
        if flat:
            assert belief is None
            continue
        assert belief is not None
        np.testing.assert_allclose(belief.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(belief.argmax(axis=1), actions[:, -1])
        np.testing.assert_array_equal(agent.belief(), belief)  # asking changes nothing
        beliefs.append(belief)
    assert flat or not np.array_equal(*beliefs)


def test_masked_model_must_know_its_task() -> None:
    model = MaskablePPO("MultiInputPolicy", sb3.make(ID, 2, action_mode="flat", **SMALL), device="cpu")
    with pytest.raises(ValueError, match=r"SB3Agent\(model, task\)"):
        SB3Agent(model)


class OwnPolicy(PPO.policy_aliases["MultiInputPolicy"]):  # type: ignore[name-defined, misc]
    """A policy that says nothing about its algorithm."""


def test_unrecognised_files_are_refused(tmp_path: Path) -> None:
    PPO(OwnPolicy, sb3.make(ID, 2, **SMALL), device="cpu").save(tmp_path / "own.zip")
    with pytest.raises(ValueError, match="algorithm is not known here; pass algorithm"):
        SB3Agent.load(tmp_path / "own.zip")
    assert SB3Agent.load(tmp_path / "own.zip", algorithm=PPO).action_mode == "grid"
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(ValueError, match=r"text.zip is no saved Stable-Baselines3 model"):
        SB3Agent.load(tmp_path / "text.zip")
