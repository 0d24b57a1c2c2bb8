"""The one transition that every environment runs, inside the kernel: begin, observe, look and speak."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from glimpse_env import actions as a
from glimpse_env import retina
from glimpse_env import state as s
from glimpse_env.kernel import kernel
from glimpse_env.random import mix, uniform
from glimpse_env.scenes import catch, drawing, lay_out, moving
from glimpse_env.sentences import bleu, cider

SAME_STEP: Final = 1
SAME_STEP_SEEN: Final = 3  # SAME_STEP, for a caller that keeps what its lanes saw last

_AHEAD: Final = 2  # lanes: their pixels are fetched while this one's are looked at
_FROZEN = 0x676C696D707365  # the key of scenes drawn by index; the bytes of "glimpse"

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@kernel()
def _begin(
    lane: int,
    table: Ints,
    book: Ints,
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    texts: Ints,
    said: Ints,
) -> None:
    """Draw the next scene of a lane and its first gaze."""
    if counts[lane, s.INDEX] == s.NO_INDEX:
        key = mix(mix(counts[lane, s.SEED], 0), counts[lane, s.EPISODE])
        counts[lane, s.EPISODE] += 1
    else:
        key = mix(_FROZEN, counts[lane, s.INDEX])
    lay_out(key, counts[lane, s.INDEX], table, book, config, sprites, texts, lane)
    gazes[lane, 0] = 2.0 * uniform(key, 0) - 1.0
    gazes[lane, 1] = 2.0 * uniform(key, 1) - 1.0
    counts[lane, s.INDEX] = s.NO_INDEX
    counts[lane, s.ZOOM] = config[s.ZOOMS] - 1
    counts[lane, s.GLIMPSES] = 1
    counts[lane, s.SYMBOL] = s.SILENT
    counts[lane, s.SPOKEN] = 0
    counts[lane, s.PHASE] = s.RUNNING
    said[lane] = s.SILENT


@kernel()
def _observe(
    lane: int,
    bank: npt.NDArray[np.uint8],
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    glimpse: Floats,
    gaze: Floats,
    budget: Floats,
    spoken: Floats,
    window: npt.NDArray[np.uint8],
    sums: npt.NDArray[np.uint16],
) -> None:
    size = config[s.SCALES] * config[s.CHANNELS] * config[s.PATCH] * config[s.PATCH]
    row, column, zoom = gazes[lane, 0], gazes[lane, 1], counts[lane, s.ZOOM]
    at = lane * (2 * size if config[s.SPEECH] == s.DRAWING else size)  # the own canvas lies beneath the hidden image
    retina.glimpse(glimpse, at, bank, sprites, lane, row, column, zoom, config, window, sums)
    gaze[lane, 0], gaze[lane, 1] = row, column
    gaze[lane, 2] = 2.0 * zoom / (config[s.ZOOMS] - 1) - 1.0 if config[s.ZOOMS] > 1 else 0.0
    budget[lane, 0] = (config[s.BUDGET] - counts[lane, s.GLIMPSES]) / config[s.BUDGET]
    if config[s.SPEECH] == s.READING:
        symbols = spoken.shape[1] - 1
        spoken[lane] = 0.0
        spoken[lane, symbols] = counts[lane, s.SPOKEN] / config[s.LENGTH]
        if counts[lane, s.SYMBOL] != s.SILENT:
            spoken[lane, counts[lane, s.SYMBOL]] = 1.0


@kernel()
def _right(texts: Ints, said: Ints, lane: int) -> bool:
    """Whether what was said is one of the references, to the end."""
    for reference in range(texts.shape[1]):
        agree = True
        for k in range(texts.shape[2]):
            agree = agree and said[lane, k] == texts[lane, reference, k]
        if agree:
            return True
    return False


@kernel()
def _symbol_pays(texts: Ints, said: Ints, lane: int, at: int, prefix: bool) -> float:
    """What the symbol said at place `at` earns: one part in as many as the text has, if it is right there.

    With `prefix` the first wrong symbol ends the reward: those before it must be right too.
    """
    length, right = 0, True
    for k in range(texts.shape[2]):
        length += texts[lane, 0, k] != s.SILENT
        if k == at or (prefix and k < at):
            right = right and said[lane, k] == texts[lane, 0, k]
    return 1.0 / length if right and at < length else 0.0


@kernel()
def _draw(
    lane: int,
    decisions: npt.NDArray[np.float64],
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    bank: npt.NDArray[np.uint8],
    speaks: bool,
) -> float:
    """Put a stroke where the eye looks next, or would; it earns a share of the nats under the blank canvas."""
    blank, gain, taken = drawing.nats(bank, sprites, lane, config, 0), 0.0, counts[lane, s.SPOKEN]
    if speaks:
        row, column = gazes[lane, 0], gazes[lane, 1]
        if not np.isnan(decisions[lane, a.ROW]):
            row, column = decisions[lane, a.ROW], decisions[lane, a.COLUMN]
        gain = drawing.stroke(bank, config, sprites, lane, taken, counts[lane, s.SYMBOL], row, column) / blank
        counts[lane, s.SPOKEN] += 1
    if counts[lane, s.PHASE] == s.FINISHED:
        gained = 1.0 - drawing.nats(bank, sprites, lane, config, counts[lane, s.SPOKEN]) / blank
        counts[lane, s.SUCCESS] = gained >= drawing.ENOUGH
        return gained if config[s.REWARD] == s.FINAL else gain
    return 0.0 if config[s.REWARD] == s.FINAL else gain


@kernel()
def _advance(
    lane: int,
    decisions: npt.NDArray[np.float64],
    frequencies: Ints,
    config: Ints,
    cost: float,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    texts: Ints,
    said: Ints,
    bank: npt.NDArray[np.uint8],
) -> float:
    """Look, speak or both; returns the reward. The whole meaning of an episode stands here."""
    speaks = decisions[lane, a.SPEAK] > 0.5
    symbol = np.int64(decisions[lane, a.SYMBOL]) if speaks else s.SILENT
    counts[lane, s.SYMBOL] = symbol
    spent = counts[lane, s.GLIMPSES] >= config[s.BUDGET]
    at = counts[lane, s.SPOKEN]
    if config[s.SPEECH] == s.NAMING:
        said[lane, 0] = symbol  # the latest answer is the answer
        ended = spent or (speaks and config[s.STOPPING])
    elif config[s.SPEECH] == s.STEERING:
        said[lane, 0] = catch.steer(counts[lane, s.SYMBOL], config, sprites, lane)
        ended = spent
    elif config[s.SPEECH] == s.DRAWING:
        ended = spent
    elif speaks:
        said[lane, at] = symbol
        counts[lane, s.SPOKEN] += 1
        ended = symbol == config[s.END] or at + 1 == said.shape[1]
    else:
        ended = spent
    if ended:
        counts[lane, s.PHASE] = s.FINISHED
    elif not spent:  # a text may go on when there is nothing left to see
        if not np.isnan(decisions[lane, a.ROW]):
            gazes[lane, 0], gazes[lane, 1] = decisions[lane, a.ROW], decisions[lane, a.COLUMN]
            counts[lane, s.ZOOM] = np.int64(decisions[lane, a.ZOOM])
        counts[lane, s.GLIMPSES] += 1
    if config[s.SPEECH] == s.DRAWING:
        return _draw(lane, decisions, config, counts, sprites, gazes, bank, speaks)
    if not ended or config[s.SPEECH] == s.STEERING:  # the last symbol has its effect too
        moving.move(config, sprites, lane)
    rule = config[s.REWARD]
    if not ended and rule in (s.FINAL, s.BLEU, s.CIDER):
        return 0.0
    right = _right(texts, said, lane)
    counts[lane, s.SUCCESS] = right
    if rule == s.EVERY:
        return 1.0 / config[s.BUDGET] if right else 0.0
    if rule == s.BLEU:
        return bleu(texts[lane], said[lane], config[s.END])
    if rule == s.CIDER:
        return cider(texts[lane], said[lane], config[s.END], frequencies)
    paid = 1.0 - cost * (counts[lane, s.GLIMPSES] - 1) if ended and right else 0.0
    if rule == s.FINAL:
        return paid
    earned = _symbol_pays(texts, said, lane, at, rule == s.PREFIX) if speaks else 0.0
    return earned if rule == s.PREFIX else 0.5 * earned + 0.5 * paid


@kernel()
def reset_lanes(
    share: int,
    begin: int,
    end: int,
    chosen: npt.NDArray[np.bool_],
    bank: npt.NDArray[np.uint8],
    table: Ints,
    book: Ints,
    frequencies: Ints,
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    texts: Ints,
    said: Ints,
    windows: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.uint16],
    glimpse: Floats,
    gaze: Floats,
    budget: Floats,
    spoken: Floats,
) -> None:
    """Begin the chosen ones of the lanes from `begin` to `end`, and observe all of them."""
    window, sums = windows[share], levels[share]
    flat = glimpse.reshape(glimpse.size)
    for lane in range(begin, end):
        if chosen[lane]:
            _begin(lane, table, book, config, counts, sprites, gazes, texts, said)
    for lane in range(begin, end):  # not in the same loop: a scene is fetched once it has begun
        if lane + _AHEAD < end:
            retina.fetch(bank, sprites, lane + _AHEAD, config)
        _observe(lane, bank, config, counts, sprites, gazes, flat, gaze, budget, spoken, window, sums)


@kernel()
def step_lanes(
    share: int,
    begin: int,
    end: int,
    autoreset: int,
    cost: float,
    decisions: npt.NDArray[np.float64],
    bank: npt.NDArray[np.uint8],
    table: Ints,
    book: Ints,
    frequencies: Ints,
    config: Ints,
    counts: Ints,
    sprites: Ints,
    gazes: npt.NDArray[np.float64],
    texts: Ints,
    said: Ints,
    windows: npt.NDArray[np.uint8],
    levels: npt.NDArray[np.uint16],
    glimpse: Floats,
    gaze: Floats,
    budget: Floats,
    spoken: Floats,
    reward: npt.NDArray[np.float64],
    terminated: npt.NDArray[np.bool_],
    outcome: Ints,
    final_glimpse: Floats,
    final_gaze: Floats,
    final_budget: Floats,
    final_spoken: Floats,
) -> None:
    """Move the lanes from `begin` to `end` on by one decision; those that end are treated as `autoreset` says."""
    window, sums = windows[share], levels[share]
    flat, final_flat = glimpse.reshape(glimpse.size), final_glimpse.reshape(final_glimpse.size)
    for lane in range(begin, end):
        over = counts[lane, s.PHASE] == s.FINISHED  # only next-step autoreset lets a finished lane come here
        if over:
            reward[lane] = 0.0
        else:
            task = (frequencies, config, cost)
            reward[lane] = _advance(lane, decisions, *task, counts, sprites, gazes, texts, said, bank)
        ended = not over and counts[lane, s.PHASE] == s.FINISHED
        terminated[lane] = ended
        length = said.shape[1]
        for k in range(length):
            outcome[k, lane] = texts[lane, 0, k] if ended else 0
            outcome[length + k, lane] = said[lane, k] if ended else 0
        outcome[2 * length, lane] = counts[lane, s.SUCCESS] if ended else 0
        outcome[2 * length + 1, lane] = counts[lane, s.GLIMPSES] if ended else 0
        if ended and autoreset == SAME_STEP:
            last = (final_flat, final_gaze, final_budget, final_spoken)
            _observe(lane, bank, config, counts, sprites, gazes, *last, window, sums)
        if over or (ended and autoreset in (SAME_STEP, SAME_STEP_SEEN)):
            _begin(lane, table, book, config, counts, sprites, gazes, texts, said)
    for lane in range(begin, end):  # not in the same loop: a scene is fetched once it has begun
        if lane + _AHEAD < end:
            retina.fetch(bank, sprites, lane + _AHEAD, config)
        _observe(lane, bank, config, counts, sprites, gazes, flat, gaze, budget, spoken, window, sums)


@kernel()
def compose_lanes(
    share: int,
    begin: int,
    end: int,
    scenes: npt.NDArray[np.uint8],
    planes: npt.NDArray[np.uint8],
    bank: npt.NDArray[np.uint8],
    sprites: Ints,
    config: Ints,
) -> None:
    """Compose the whole hidden scenes of the lanes from `begin` to `end`."""
    for lane in range(begin, end):
        retina.canvas(scenes, planes[share], bank, sprites, lane, config)
