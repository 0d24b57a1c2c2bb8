from __future__ import annotations

import pytest

from benchmarks.suite import BOARDS, COSTS, SUITES, Task, find
from glimpse_env.registration import TASKS
from glimpse_env.task import Task as Keywords

EVERY = [(suite, task) for suite, tasks in SUITES.items() for task in tasks]


@pytest.mark.parametrize(("suite", "task"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_every_task_is_complete_and_can_be_made(suite: str, task: Task) -> None:
    keywords = {**TASKS[task.id][1], **task.overrides}
    assert set(task.steps) == set(BOARDS)
    assert all(steps > 0 for steps in task.steps.values())
    assert task.seeds >= 2, "one seed is no evidence"
    assert task.seen
    assert set(task.tags) <= {"memory", "zoom", "stop", "search", "sequence"}
    assert ("stop" in task.tags) == task.stopping
    assert ("zoom" in task.tags) == (len(keywords["zooms"]) > 1)
    for board in BOARDS:  # raises if a combination makes no sense
        made = Keywords.of({**keywords, **task.training.get(board, {})})
        assert (made.budget, made.stopping) == (task.budget, task.stopping)


def test_names_are_unlike_each_other() -> None:
    for tasks in SUITES.values():
        assert len({task.name for task in tasks}) == len(tasks)


def test_the_leaderboard_is_the_ladder_on_real_images_scored_on_all_scenes() -> None:
    ids = ["CenteredMNIST-v0", "TranslatedMNIST-v0", "CrowdedMNISTRetina-v0", "CrowdedMNIST-v0"]
    assert [task.id for task in SUITES["leaderboard"]] == ids
    assert all(task.scenes is None and not task.overrides for task in SUITES["leaderboard"])


def test_the_smoke_suite_needs_no_data_and_little_time() -> None:
    assert all("Digits" in task.id for task in SUITES["smoke"])
    assert all(max(task.steps.values()) <= 50_000 for task in SUITES["smoke"])


def test_the_frontier_is_the_flagship_at_every_price() -> None:
    assert [task.overrides["glimpse_cost"] for task in SUITES["frontier"]] == list(COSTS)
    assert {task.id for task in SUITES["frontier"]} == {"CrowdedMNIST-v0"}


def test_tasks_are_found_by_name_in_the_order_of_the_suite() -> None:
    assert find("smoke") == SUITES["smoke"]
    chosen = find("smoke", ("CrowdedDigits-v0", "CenteredDigits-v0"))
    assert [task.name for task in chosen] == ["CenteredDigits-v0", "CrowdedDigits-v0"]


def test_what_is_unknown_is_refused_with_what_is_known() -> None:
    with pytest.raises(ValueError, match="suite 'nope' is unknown; choose one of leaderboard, frontier, records"):
        find("nope")
    with pytest.raises(
        ValueError, match=r"'CenteredDigits-v0' is not in the suite 'leaderboard'; it belongs to .*'smoke'"
    ):
        find("leaderboard", ("CenteredDigits-v0",))
    with pytest.raises(ValueError, match="its tasks are CenteredDigits-v0"):
        find("smoke", ("Nope-v0",))
