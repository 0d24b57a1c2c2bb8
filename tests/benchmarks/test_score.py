from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks import tables
from benchmarks.files import write_json
from benchmarks.score import area, bootstrap, frontiers, interquartile_mean, load, main, rows, summaries, within

CENTERED, CROWDED = "CenteredDigits-v0", "CrowdedDigits-v0"


def result(agent: str, seed: int, accuracy: float, name: str = CENTERED, **more: Any) -> dict[str, Any]:
    evaluation = {
        "accuracy": accuracy,
        "mean_return": accuracy,
        "mean_glimpses": 7.0,
        "by_glimpses": [[7, 10, accuracy]],
    }
    board = "reference" if agent in ("random", "oracle") else "reward"
    fixed = {"suite": "smoke", "name": name, "task": name, "overrides": {}, "finished": True}
    return {**fixed, "agent": agent, "board": board, "seed": seed, "evaluation": evaluation, **more}


ANCHORS = [result("random", 0, 0.2), result("random", 1, 0.4), result("oracle", 0, 0.9), result("oracle", 1, 0.7)]


def test_interquartile_mean_by_hand() -> None:
    assert interquartile_mean([np.arange(8.0)]) == np.mean([2, 3, 4, 5])
    assert (
        interquartile_mean([np.array([100.0, 1.0]), np.array([2.0, -50.0, 3.0])]) == 2.0
    )  # one cut from either end of five
    assert interquartile_mean([np.array([1.0, 2.0, 6.0])]) == 3.0  # a quarter of three is none


def test_bootstrap_draws_within_each_task_and_always_the_same() -> None:
    apart = [np.array([0.0, 0.0]), np.array([1.0, 1.0])]
    assert bootstrap(apart, interquartile_mean) == (0.5, 0.5)  # drawing across tasks would vary
    scores = [np.random.default_rng(1).normal(size=200)]
    low, high = bootstrap(scores, lambda drawn: float(np.mean(drawn[0])))
    assert (low, high) == bootstrap(scores, lambda drawn: float(np.mean(drawn[0])))
    width = 2 * 1.96 * scores[0].std() / np.sqrt(200)
    assert high - low == pytest.approx(width, rel=0.1)


def test_area_by_hand() -> None:
    assert area([(1, 0.5), (2, 1.0)], 2) == 0.75
    assert area([(2, 1.0), (1, 0.5)], 2) == 0.75
    assert area([(2, 1.0)], 2) == 0.5  # nothing is known for one glimpse
    assert area([(1, 0.5), (2, 0.25)], 2) == 0.5  # what two glimpses buy is at least what one does
    assert area([(1.5, 0.8)], 4) == pytest.approx(0.8 * 3.5 / 4)
    assert area([(1, 1.0)], 8) == 1.0


def test_accuracy_within_k_glimpses() -> None:
    fixed = result("ppo", 0, 0.5)
    fixed["evaluation"]["by_glimpses"] = [[1, 10, 0.2], [2, 10, 0.4]]
    assert within(fixed) == [(1, 0.2), (2, 0.4)]
    stopping = result("ppo", 0, 0.5, CROWDED)
    stopping["evaluation"]["by_glimpses"] = [[1, 6, 0.5], [3, 4, 0.5]]
    assert within(stopping) == [(1, 0.3), (3, 0.5)]


def test_a_row_is_a_mean_over_seeds_between_the_anchors() -> None:
    row = next(row for row in rows([*ANCHORS, result("ppo", 0, 0.5), result("ppo", 1, 0.6)]) if row.agent == "ppo")
    assert (row.accuracy, row.seeds) == (pytest.approx(0.55), (0, 1))
    assert row.normalised == pytest.approx((0.55 - 0.3) / (0.8 - 0.3))
    assert row.interval == (0.5, 0.6)
    assert row.area == pytest.approx(0.55 / 7)


def test_one_seed_is_shown_without_an_interval() -> None:
    found = [*ANCHORS, result("ppo", 0, 0.5)]
    assert next(row for row in rows(found) if row.agent == "ppo").interval is None
    assert next(summary for summary in summaries(found) if summary.agent == "ppo").interval is None


def test_without_an_anchor_nothing_is_normalised() -> None:
    found = [result("oracle", 0, 0.9), result("ppo", 0, 0.5)]
    assert all(row.normalised is None for row in rows(found))
    assert summaries(found) == []


def test_anchors_the_wrong_way_round_normalise_nothing() -> None:
    found = [result("random", 0, 0.9), result("oracle", 0, 0.5), result("ppo", 0, 0.5)]
    assert summaries(found) == []


def test_summaries_pool_seeds_and_tasks() -> None:
    other = [result("random", k, 0.0, CROWDED) for k in (0, 1)] + [result("oracle", k, 1.0, CROWDED) for k in (0, 1)]
    mine = [
        result("ppo", 0, 0.3),
        result("ppo", 1, 0.8),
        result("ppo", 0, 0.5, CROWDED),
        result("ppo", 1, 0.6, CROWDED),
    ]
    found = summaries([*ANCHORS, *other, *mine])
    assert [summary.agent for summary in found] == ["oracle", "ppo", "random"]
    ppo = found[1]
    assert (ppo.tasks, ppo.seeds) == ((CENTERED, CROWDED), 2)
    assert ppo.score == pytest.approx(0.55)  # of 0, 0.5, 0.6 and 1 the middle two
    assert ppo.interval is not None
    assert ppo.interval[0] <= ppo.score <= ppo.interval[1]


def test_frontiers_by_hand() -> None:
    found = []
    for cost, glimpses, accuracy in ((0.0, 8.0, 0.9), (0.05, 2.0, 0.5)):
        name = f"CrowdedMNIST-v0-cost{cost:g}"
        cell = result("ram_plus", 0, accuracy, name, suite="frontier", overrides={"glimpse_cost": cost})
        cell["evaluation"]["mean_glimpses"] = glimpses
        found.append(cell)
    (frontier,) = frontiers(found)
    assert frontier.points == ((0.0, 8.0, 0.9, 1), (0.05, 2.0, 0.5, 1))
    assert frontier.area == pytest.approx((6 * 0.5 + 1 * 0.9) / 8)


def test_load_reads_finished_results_only_in_order(tmp_path: Path) -> None:
    for cell in (result("ppo", 1, 0.5), result("ppo", 0, 0.5), result("a2c", 0, 0.1, finished=False)):
        write_json(tmp_path / "smoke" / CENTERED / cell["agent"] / f"seed{cell['seed']}.json", cell)
    write_json(tmp_path / "smoke" / "elsewhere" / "ppo" / "seed0.json", {})
    assert [(cell["agent"], cell["seed"]) for cell in load("smoke", tmp_path)] == [("ppo", 0), ("ppo", 1)]


def test_tables_mark_a_single_seed_as_no_evidence() -> None:
    console = Console(record=True, width=120)
    tables.show([*ANCHORS, result("ppo", 0, 0.5)], console)
    text = console.export_text()
    line = next(line for line in text.splitlines() if " ppo " in line)
    assert " 1 *" in line
    assert "50.00" in line
    assert "* one seed: no evidence" in text


def test_the_command_prints_a_frontier_and_says_where_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main("frontier", tmp_path)
    assert "no results of the suite 'frontier'" in capsys.readouterr().out
    for cost in (0.0, 0.1):
        name = f"CrowdedMNIST-v0-cost{cost:g}"
        cell = result("ram_plus", 0, 0.5, name, suite="frontier", overrides={"glimpse_cost": cost})
        write_json(tmp_path / "frontier" / name / "ram_plus" / "seed0.json", cell)
    main("frontier", tmp_path)
    assert "accuracy against glimpses, area" in capsys.readouterr().out
