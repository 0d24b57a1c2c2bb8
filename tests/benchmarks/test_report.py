from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import small_results

from benchmarks import report, score, suite
from benchmarks.boards import count, duration, markdown
from benchmarks.files import RESULTS, read_json, write_json
from benchmarks.report import BEGIN, END, between
from benchmarks.standings import lines, stand
from glimpse_env import sources

NAME = "CrowdedDigits-v0"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """One agent with three seeds and one with a single one."""
    for seed in range(3):
        small_results.write(tmp_path, NAME, "ppo", seed=seed)
    small_results.write(tmp_path, NAME, "ram", board="labels")
    return tmp_path


def test_block_replaces_what_stands_between_the_markers_and_nothing_else() -> None:
    text = f"# Title\n{BEGIN}\nold\n{END}\nafter\n"
    assert between(text, "new\n") == f"# Title\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert between(between(text, "new"), "new") == between(text, "new")
    assert between("# Title\n", "new") == f"# Title\n{BEGIN}\n\nnew\n\n{END}\n"


@pytest.mark.parametrize("text", [f"{BEGIN}\nopen", f"{END}\nclosed", f"{END}{BEGIN}"])
def test_half_a_pair_of_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="each once"):
        between(text, "new")


def test_report_is_current_until_a_result_changes(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as missing:
        report.main(results, "smoke", check=True)
    assert missing.value.code == 1
    assert not (results / "README.md").exists()
    assert not (results / "index.html").exists()

    report.main(results, "smoke")
    first = [(results / name).read_bytes() for name in ("README.md", "index.html")]
    with pytest.raises(SystemExit) as current:
        report.main(results, "smoke", check=True)
    assert current.value.code == 0

    path = next(results.glob(f"smoke/{NAME}/*/seed0.json"))
    result = read_json(path)
    write_json(path, {**result, "evaluation": {**result["evaluation"], "mean_return": 0.987}})
    capsys.readouterr()
    with pytest.raises(SystemExit) as stale:
        report.main(results, "smoke", check=True)
    assert stale.value.code == 1
    assert capsys.readouterr().out.count("OUT OF DATE") == 2
    assert [(results / name).read_bytes() for name in ("README.md", "index.html")] == first, "a check writes nothing"

    write_json(path, result)
    report.main(results, "smoke")
    assert [(results / name).read_bytes() for name in ("README.md", "index.html")] == first


def test_line_has_means_over_seeds_and_an_interval_from_three_on(results: Path) -> None:
    found = score.load("smoke", results)
    ppo, ram = lines(found)
    accuracies = [result["evaluation"]["accuracy"] for result in found if result["agent"] == "ppo"]
    assert ppo.successes == tuple(accuracies)
    assert ppo.row.accuracy == pytest.approx(sum(accuracies) / 3)
    assert ppo.spread is not None
    middle, (low, high) = ppo.spread
    assert min(accuracies) <= low <= middle <= high <= max(accuracies)
    assert (ppo.shuffled, ppo.random, ppo.coverage, ppo.steps, ppo.gradient) == (0.25, 0.125, 0.375, 4000, None)
    assert ram.spread is None
    assert ram.row.interval is None


def test_boards_show_every_agent_once_on_its_own_board(results: Path) -> None:
    text = markdown(stand("smoke", score.load("smoke", results)))
    reward, _, rest = text.partition("### Reward and labels")
    labels, _, reference = rest.partition("### Full view and scripted references")
    assert reward.count("| ppo |") == labels.count("| ram |") == 1
    assert "| ram |" not in reward
    assert "| ppo |" not in labels
    assert reference.strip().endswith("No results yet.")
    row = next(line for line in reward.splitlines() if line.startswith("| ppo |"))
    assert "| 3 |" in row
    assert "| 50.0 | 25.0 | 12.5 | 37.5 | 10.0 |  | 4 k | 1.5 min |" in row
    assert r"| ram | 1 \* |" in labels, "one seed is marked"


def test_overall_score_stands_above_the_tasks_where_both_anchors_are_known(results: Path) -> None:
    for agent, right in (("random", 0.1), ("oracle", 0.9)):
        made = small_results.write(results, NAME, agent, board="reference")
        path = next(path for path in results.rglob("*.json") if read_json(path)["agent"] == agent)
        write_json(path, {**made, "evaluation": {**made["evaluation"], "accuracy": right}})
    text = markdown(stand("smoke", score.load("smoke", results)))
    assert f"| agent | seeds | score | 95 % | {NAME} |" in text
    assert r"| oracle | 1 \* | 1.000 |  | 90.00 |" in text
    assert r"| random | 1 \* | 0.000 |  | 10.00 |" in text


def test_frontier_over_glimpse_costs_is_shown_where_there_are_results(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(suite.SUITES, "frontier", small_results.priced((0.0, 0.05)))
    for task in suite.SUITES["frontier"]:
        small_results.write(results, task.name, "ram", board="labels", suite="frontier")
    text = markdown(stand("smoke", score.load("smoke", results), score.load("frontier", results)))
    assert "| agent | cost 0 | cost 0.05 | area |" in text
    assert text.splitlines()[-1].startswith("| ram | ")
    assert " → " in text.splitlines()[-1]


def test_names_cannot_leave_their_cell(tmp_path: Path) -> None:
    small_results.write(tmp_path, NAME, "<script>|x_y*\n")
    text = markdown(stand("smoke", score.load("smoke", tmp_path)))
    assert r"| &lt;script&gt;\|x\_y\*  |" in text
    assert "<script>" not in text


def test_no_results_are_no_error(tmp_path: Path) -> None:
    assert "No results yet" in markdown(stand("smoke", []))
    report.main(tmp_path, "smoke")
    assert "No results yet" in (tmp_path / "README.md").read_text()


def test_boards_need_no_images_and_the_page_says_so(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report.main(results, "smoke")

    def missing(*_: Any, **__: Any) -> None:
        raise sources.DataError("no images here")

    monkeypatch.setattr("benchmarks.page.make_frozen", missing)
    with pytest.raises(SystemExit) as unchecked:
        report.main(results, "smoke", check=True)
    assert unchecked.value.code == 0
    assert "not checked" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no images here"):
        report.main(results, "smoke")


@pytest.mark.parametrize(("number", "text"), [(12, "12"), (4000, "4 k"), (12_000_000, "12 M"), (1_234_567, "1.23 M")])
def test_counts(number: float, text: str) -> None:
    assert count(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(12.3, "12 s"), (90, "1.5 min"), (5400, "1.5 h")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_committed_boards_are_current() -> None:
    readme = Path(report.__file__).with_name("README.md").read_text(encoding="utf-8")
    standings = stand("leaderboard", score.load("leaderboard", RESULTS), score.load("frontier", RESULTS))
    assert between(readme, markdown(standings)) == readme, "run python -m benchmarks report"


@pytest.mark.usefixtures("mnist")
def test_committed_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as current:
        report.main(check=True)
    assert current.value.code == 0, f"run python -m benchmarks report: {capsys.readouterr().out}"
