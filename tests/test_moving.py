"""Scenes that move: Catch by hand, images that drift, and what the eye learns of what it does not look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.catch import Tracker
from glimpse_env import GlimpseEnv, GlimpseVectorEnv, evaluate, replay
from glimpse_env import state as s
from glimpse_env.evaluation import fingerprint
from glimpse_env.scenes.moving import WAYS, bounce
from glimpse_env.testing import assert_identical, noise_images, plain_observation
from glimpse_env.wrappers import FullView, FullViewVector

IMAGES = noise_images()  # 14x14, ten classes
DRIFT: dict[str, Any] = {
    "source": IMAGES, "scene": "drifting", "canvas": 40, "clutter": 3, "patch": 4, "zooms": (1,), "budget": 6,
    "stopping": False,
}  # fmt: skip
CATCH: dict[str, Any] = {
    "source": "block", "scene": "catch", "canvas": 8, "patch": 4, "zooms": (1,), "budget": 7, "stopping": False,
    "grid": 3,
}  # fmt: skip
LEFT, STAY, RIGHT = range(3)
SPEED = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


@pytest.mark.parametrize(
    ("place", "speed", "room", "next_place", "next_speed"),
    [
        (3, 1, 5, 4, 1), (4, 1, 5, 5, 1), (5, 1, 5, 4, -1), (5, -1, 5, 4, -1), (1, -1, 5, 0, -1), (0, -1, 5, 1, 1),
        (1, -3, 5, 2, 3), (4, 3, 5, 3, -3), (2, 0, 5, 2, 0), (0, 0, 0, 0, 0), (5, 5, 5, 0, -5), (0, 1, 1, 1, 1),
    ],
)  # fmt: skip
def test_a_border_turns_what_would_leave(place: int, speed: int, room: int, next_place: int, next_speed: int) -> None:
    assert bounce(place, speed, room) == (next_place, next_speed)


def game(ball: int, way: int, paddle: int, **keywords: Any) -> GlimpseEnv:
    """A frozen game on 8x8 pixels that begins like this, in mid-reset."""
    many = GlimpseVectorEnv(2000, **{**CATCH, **keywords})
    many.reset(options={"index": np.arange(2000)})
    begins = (many.boxes()[:, 0, 1] == ball) & (many.velocities()[:, 0, 1] == way) & (many.boxes()[:, 1, 1] == paddle)
    env = GlimpseEnv(**{**CATCH, **keywords})
    env.reset(options={"index": int(np.flatnonzero(begins)[0])})
    return env


@pytest.mark.parametrize(
    ("begin", "balls", "moves", "paddles", "caught"),
    [
        # Off the right wall; the paddle waits where it lands, then leaves too far, then comes in time from the side.
        ((6, 1, 0), [7, 6, 5, 4, 3, 2, 1], [STAY] * 7, [0] * 7, True),
        ((6, 1, 0), [7, 6, 5, 4, 3, 2, 1], [STAY] * 6 + [RIGHT], [0] * 6 + [1], True),
        ((6, 1, 0), [7, 6, 5, 4, 3, 2, 1], [RIGHT, RIGHT] + [STAY] * 5, [1] + [2] * 6, False),
        ((6, 1, 0), [7, 6, 5, 4, 3, 2, 1], [LEFT] * 7, [0] * 7, True),  # a wall stops the paddle
        ((6, 1, 6), [7, 6, 5, 4, 3, 2, 1], [LEFT] * 7, [5, 4, 3, 2, 1, 0, 0], True),
        ((6, 1, 6), [7, 6, 5, 4, 3, 2, 1], [LEFT] * 4 + [STAY] * 3, [5, 4, 3, 2, 2, 2, 2], False),
        # Off the left wall; the last symbol still counts.
        ((1, -1, 0), [0, 1, 2, 3, 4, 5, 6], [RIGHT] * 7, [1, 2, 3, 4, 5, 6, 6], True),
        ((1, -1, 0), [0, 1, 2, 3, 4, 5, 6], [STAY, STAY] + [RIGHT] * 5, [0, 0, 1, 2, 3, 4, 5], True),
        ((1, -1, 0), [0, 1, 2, 3, 4, 5, 6], [STAY, STAY] + [RIGHT] * 4 + [STAY], [0, 0, 1, 2, 3, 4, 4], False),
        ((7, -1, 5), [6, 5, 4, 3, 2, 1, 0], [LEFT] * 5 + [STAY] * 2, [4, 3, 2, 1, 0, 0, 0], True),
        ((0, -1, 6), [1, 2, 3, 4, 5, 6, 7], [STAY] * 7, [6] * 7, True),
    ],
)  # fmt: skip
def test_catch_by_hand(
    begin: tuple[int, int, int], balls: list[int], moves: list[int], paddles: list[int], caught: bool
) -> None:
    env = game(*begin)
    picture = np.zeros((8, 8), np.uint8)
    picture[0, begin[0]] = picture[7, begin[2] : begin[2] + 2] = 255
    np.testing.assert_array_equal(env.canvas(), picture)
    for k, (ball, move, paddle) in enumerate(zip(balls, moves, paddles, strict=True)):
        seen, reward, terminated, _, info = env.step(np.array([1, 1, move]))
        picture = np.zeros((8, 8), np.uint8)
        picture[7, paddle : paddle + 2] = 255
        picture[k + 1, ball] = 255
        np.testing.assert_array_equal(env.canvas(), picture)
        assert_identical(seen, plain_observation(env))
        assert (reward, terminated) == (float(caught and k == 6), k == 6)
        assert seen["budget"].tolist() == [np.float32(max(5 - k, 0) / 7)]
    assert info == {"label": balls[-1], "answer": paddles[-1], "is_success": caught, "glimpses": 7}


def test_a_smaller_budget_lets_the_ball_begin_lower() -> None:
    env = GlimpseEnv(**{**CATCH, "budget": 3})
    env.reset(seed=0)
    assert env._dynamics.sprites[0, 0, s.TOP] == 4
    ends = [env.step(np.array([0, 0, STAY]))[2] for _ in range(3)]
    assert ends == [False, False, True]
    assert env._dynamics.sprites[0, 0, s.TOP] == 7


def test_flat_actions_look_or_steer_and_a_look_leaves_the_paddle() -> None:
    env = game(6, 1, 0, action_mode="flat")
    assert env.action_space.n == 9 + 3  # type: ignore[attr-defined]
    for k, (action, paddle) in enumerate([(4, 0), (9 + RIGHT, 1), (0, 1), (9 + RIGHT, 2), (9 + LEFT, 1), (8, 1)]):
        assert env.action_masks().all()
        seen = env.step(action)[0]
        assert env._dynamics.sprites[0, 1, s.LEFT] == paddle
        gaze = [(0, 0), (0, 0), (-2 / 3, -2 / 3), (-2 / 3, -2 / 3), (-2 / 3, -2 / 3), (2 / 3, 2 / 3)][k]
        np.testing.assert_allclose(seen["gaze"][:2], gaze, atol=1e-6)
    assert env.action_masks().tolist() == [False] * 9 + [True] * 3
    assert env.step(9 + LEFT)[4]["answer"] == 0


def test_a_game_begins_anywhere_and_either_way_and_can_always_be_won() -> None:
    env = GlimpseVectorEnv(20_000, **{**CATCH, "canvas": 24, "budget": 23})
    env.reset(seed=0)
    ball, paddle, way = env.boxes()[:, 0, 1], env.boxes()[:, 1, 1], env.velocities()[:, 0, 1]
    assert (env.boxes()[:, 0, 0] == 0).all()
    assert (env.boxes()[:, 1, 0] == 23).all()
    assert np.bincount(ball, minlength=24).min() > 700
    assert np.bincount(paddle, minlength=23).min() > 700
    assert set(way.tolist()) == {-1, 1}
    assert abs(way.mean()) < 0.05
    assert abs(np.corrcoef([ball, paddle, way]) - np.eye(3)).max() < 0.05
    for _ in range(22):
        env.step(np.full((20_000, 3), [1, 1, STAY]))
    unmoved = env.boxes()[:, 1, 1]
    np.testing.assert_array_equal(unmoved, paddle)
    landed = env.step(np.full((20_000, 3), [1, 1, STAY]))[4]
    np.testing.assert_array_equal(landed["label"], env.boxes()[:, 0, 1])
    np.testing.assert_array_equal(landed["is_success"], (landed["label"] - paddle) // 2 == 0)


def test_a_perfect_player_catches_every_ball_of_the_ten_thousand_frozen_games() -> None:
    score = evaluate(Tracker(), "GlimpseCatch-v0")
    assert (score.accuracy, score.mean_return, score.mean_glimpses) == (1, 1, 23)
    assert score.by_glimpses == ((23, 10_000, 1.0),)
    assert replay(score.log).accuracy == 1


def test_the_splits_of_catch_have_games_of_their_own() -> None:
    prints = {fingerprint("GlimpseCatch-v0", split=split, scenes=200) for split in ("train", "validation", "test")}
    assert len(prints) == 3


def test_a_fingerprint_tells_which_way_things_move() -> None:
    assert fingerprint("MovingDigits-v0", scenes=3) == fingerprint("MovingDigits-v0", scenes=3)
    still = {"scene": "crowded"}
    assert fingerprint("MovingDigits-v0", scenes=3, **still) == fingerprint("CrowdedDigitsRetina-v0", scenes=3)


# Images that drift.


def test_an_image_drifts_straight_and_stays_on_the_canvas() -> None:
    lanes, images, labels = 3000, *noise_images(100)
    env = GlimpseVectorEnv(lanes, **{**DRIFT, "source": {"train": (images, labels)}, "canvas": (40, 50)})
    env.reset(options={"index": np.arange(lanes)})
    assert env.symbols[:5] == ("0 up", "0 down", "0 left", "0 right", "1 up")
    label, way = np.divmod(env.targets(), 4)
    np.testing.assert_array_equal(label, labels[np.arange(lanes) % 100])
    assert np.bincount(way).min() > 600
    begin, clutter = env.boxes()[:, 0], env.boxes()[:, 1:]
    velocity = env.velocities()[:, 0]
    unit = np.array([SPEED[WAYS[k]] for k in way])
    speed = np.abs(velocity).sum(axis=1)
    np.testing.assert_array_equal(velocity, unit * speed[:, None])
    fastest = np.where(way < 2, (40 - 14) // 5, (50 - 14) // 5)
    for high in (5, 7):
        drawn = speed[fastest == high]
        assert sorted(set(drawn.tolist())) == list(range((high + 1) // 2, high + 1))
    assert (env.velocities()[:, 1:] == 0).all()
    reached = [begin[:, :2]]
    for k in range(5):
        env.step(env.action_space.sample())
        boxes = env.boxes()
        np.testing.assert_array_equal(boxes[:, 0, :2], begin[:, :2] + (k + 1) * velocity)
        np.testing.assert_array_equal(boxes[:, 1:], clutter)
        reached.append(boxes[:, 0, :2])
    places = np.stack(reached)
    assert places.min() == 0
    assert places[..., 0].max() == 40 - 14
    assert places[..., 1].max() == 50 - 14
    last = env.boxes()
    assert env.step(env.action_space.sample())[2].all()
    np.testing.assert_array_equal(env.boxes(), last)  # the step that ends an episode moves nothing
    shown = env.canvases()[7].astype(int)
    top, left = last[7, 0, :2]
    assert (shown[top : top + 14, left : left + 14] >= images[7]).all()


@pytest.mark.parametrize("task", [DRIFT, CATCH, {**DRIFT, "source": noise_images(channels=3), "scales": (1, 2)}])
def test_every_lane_sees_the_plain_observation_of_the_moment(task: dict[str, Any]) -> None:
    env = GlimpseVectorEnv(6, **task)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=1)
    for _ in range(40):
        for lane in range(6):
            assert_identical({name: value[lane] for name, value in observation.items()}, plain_observation(env, lane))
        observation = env.step(env.action_space.sample())[0]


# What was not seen changes nothing.


def looks(env: GlimpseEnv, seed: int) -> list[np.ndarray]:
    """Gazes at the upper half of the canvas, and symbols."""
    chance = np.random.default_rng(seed)
    symbols = len(env.symbols)
    return [np.array([chance.integers(1), chance.integers(3), chance.integers(symbols)]) for _ in range(7)]


@pytest.mark.parametrize("seed", range(5))
def test_a_paddle_that_is_not_looked_at_changes_nothing_until_the_end(seed: int) -> None:
    """The windows at the top reach row 4 of 8; the ball is in sight, the paddle on the bottom row is not."""
    env, twin = game(6, 1, 0), game(6, 1, 0)
    twin._dynamics.sprites[0, 1, s.LEFT] = 5
    env._dynamics.gazes[:] = twin._dynamics.gazes[:] = -1
    heard = []
    for one in (env, twin):
        heard.append([one.step(action) for action in looks(one, seed)])
    assert_identical(heard[0][:-1], heard[1][:-1])
    assert heard[0][-1][4]["answer"] != heard[1][-1][4]["answer"]


@pytest.mark.parametrize("seed", range(20))
def test_pixels_of_a_moving_image_that_never_came_into_sight_change_nothing(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (1, 14, 14), np.uint8)
    task = {**DRIFT, "clutter": 0, "split": "test", "grid": 4, "scales": (1, 2)}
    train = noise_images()

    def play(pixels: np.ndarray, label: int) -> tuple[list[Any], np.ndarray]:
        env = GlimpseEnv(**{**task, "source": {"train": train, "test": (pixels, np.array([label]))}})
        env.action_space.seed(seed)
        heard, seen = [env.reset(seed=seed)], np.zeros((14, 14), bool)
        for _ in range(5):
            _look_on(env, heard[-1][0], seen)
            heard.append(env.step(env.action_space.sample()))
        _look_on(env, heard[-1][0], seen)
        return heard, seen

    heard, seen = play(image, 3)
    assert not seen.all()
    assert_identical(heard, play(np.where(seen, image, 255 - image), 7)[0])
    if seed == 0:  # where it was in sight, it does change something
        negative = play(255 - image, 7)[0]
        assert any((one[0]["glimpse"] != two[0]["glimpse"]).any() for one, two in zip(heard, negative, strict=True))


def _look_on(env: GlimpseEnv, observation: dict[str, np.ndarray], seen: np.ndarray) -> None:
    """Mark the pixels of the image that lie in the widest window now."""
    top, left = env._dynamics.sprites[0, 0, [s.TOP, s.LEFT]]
    centre = (observation["gaze"][:2].astype(float) + 1) / 2 * 39
    rows, columns = (np.arange(14) + corner for corner in (top, left))
    near = [np.abs(places - middle) <= 5.5 for places, middle in zip((rows, columns), centre, strict=True)]
    seen |= near[0][:, None] & near[1][None, :]


# The rest of the house.


def test_the_whole_view_moves_too() -> None:
    one = FullView(GlimpseEnv(**CATCH))
    many = FullViewVector(GlimpseVectorEnv(1, **CATCH))
    seen, lanes = one.reset(seed=0)[0], many.reset(seed=0)[0]
    frames = set()
    for _ in range(7):
        np.testing.assert_array_equal(seen["canvas"], lanes["canvas"][0])
        frames.add(seen["canvas"].tobytes())
        seen, lanes = one.step(np.array([1, 1, STAY]))[0], many.step(np.array([[1, 1, STAY]]))[0]
    np.testing.assert_array_equal(seen["canvas"], lanes["canvas"][0])
    frames.add(seen["canvas"].tobytes())
    assert len(frames) == 8
    with pytest.raises(ValueError, match="leaves no trace of the last scene"):
        FullViewVector(GlimpseVectorEnv(1, **CATCH, autoreset_mode="SameStep"))


def test_a_picture_names_the_columns() -> None:
    env = GlimpseEnv(**CATCH, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.labels == tuple(map(str, range(8)))
    assert env.symbols == ("left", "stay", "right")
    shapes = set()
    for _ in range(7):
        shapes.add(env.render().shape)  # type: ignore[union-attr]
        env.step(np.array([1, 1, RIGHT]))
    shapes.add(env.render().shape)  # type: ignore[union-attr]
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({**CATCH, "budget": 8}, r"budget=8 must lie in \[1, 7\], one glimpse for every row"),
        ({**CATCH, "stopping": True}, "stopping=True and clutter=0 do not fit scene='catch'"),
        ({**CATCH, "clutter": 2}, "stopping=False and clutter=2 do not fit scene='catch'"),
        ({**CATCH, "reward": "running"}, "'running' does not fit scene='catch'; choose one of 'final'"),
        ({**CATCH, "count": (1, 2)}, r"count=\(1, 2\) has no meaning for scene='catch'"),
        ({**CATCH, "source": (np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2)}, "pass source='block'"),
        ({**CATCH, "source": (np.ones((20, 8, 1), np.uint8), np.arange(20) % 2)}, "pass source='block'"),
        ({**DRIFT, "canvas": (40, 18)}, r"no room for images of 14x14 .* pass canvas=\(19, 19\) or larger"),
        ({**DRIFT, "budget": 28}, "or a smaller budget"),
        ({**DRIFT, "reward": "share"}, "'share' does not fit scene='drifting'"),
    ],
)
def test_what_does_not_fit_is_refused(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlimpseEnv(**keywords)
