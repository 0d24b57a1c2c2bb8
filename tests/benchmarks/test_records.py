from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from small_results import write

from benchmarks import records
from benchmarks.files import RESULTS, write_json
from benchmarks.published import CLAIMS
from benchmarks.roster import ABLATIONS, AGENTS
from benchmarks.suite import find


def test_the_committed_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        records.main(check=True)
    assert ended.value.code == 0, f"run `python -m benchmarks records`: {capsys.readouterr().out}"


def test_a_page_that_is_not_current_is_told_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        records.main(tmp_path, check=True)
    assert ended.value.code == 1
    assert not (tmp_path / "RECORDS.md").exists()
    records.main(tmp_path)
    assert "written" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        records.main(tmp_path, check=True)
    assert ended.value.code == 0


def test_every_published_number_belongs_to_a_task_and_says_how_it_is_known() -> None:
    names = {task.name for task in find("records")}
    page = records.markdown()
    for claim in CLAIMS:
        assert claim.task in names
        assert 0 < claim.error < 100
        assert re.search(rf"\| {re.escape(claim.who)} \|.*{claim.error:.2f}.*\| {claim.label} \|", page)


@pytest.mark.usefixtures("mnist")
def test_a_result_stands_beside_the_published(tmp_path: Path) -> None:
    result = write(tmp_path, "CenteredMNIST-v0", "ram_plus", board="labels", suite="records")
    stopped = write(tmp_path, "CrowdedMNIST-v0", "dram", board="reference", suite="records")
    page = records.markdown(tmp_path)
    after = {k: 100 * (1 - accuracy) for k, _, accuracy in result["evaluation"]["by_glimpses"]}
    row = next(line for line in page.splitlines() if line.startswith("| **ours: `ram_plus`**"))
    assert [cell.strip(" *") for cell in row.split("|")[2:8]] == [f"{after[k]:.2f}" for k in range(2, 8)]
    assert "seed 0 | 0.004 M steps, 2 min, board labels" in row
    score = stopped["evaluation"]
    assert f"| glimpses | {score['mean_glimpses']:.2f} |" in page
    assert f"| **ours: `dram`** | **{100 * (1 - score['accuracy']):.2f}** |" in page


@pytest.mark.usefixtures("mnist")
def test_the_ablation_is_in_the_order_of_its_errors(tmp_path: Path) -> None:
    for agent in ("ram_plus", "ram_plus_conv", "ram_plus_no_gate"):
        write(tmp_path, "CrowdedMNISTRetina-v0", agent, board="labels", suite="ablation")
    page = records.markdown(tmp_path)
    lines = [line.split("|") for line in page.splitlines() if line.startswith("| `ram_plus")]
    assert lines[0][1].strip() == "`ram_plus`"
    errors = [float(cells[3]) for cells in lines]
    assert errors[1:] == sorted(errors[1:])
    assert [float(cells[4]) for cells in lines[1:]] == pytest.approx(
        [error - errors[0] for error in errors[1:]], abs=0.02
    )
    assert "`encoder='conv'`" in page
    assert "training s" not in records.markdown(tmp_path / "none")


def test_every_ingredient_is_an_agent_that_differs_from_the_recipe() -> None:
    for name, differs in ABLATIONS.items():
        assert AGENTS[name].config == differs
        assert differs
        assert json.loads(json.dumps(differs)) == differs, "a result is compared with it after a way through JSON"
        assert AGENTS[name].what == AGENTS["ram_plus"].what


def test_the_noise_of_gradients_is_told(tmp_path: Path) -> None:
    rows = [
        {"estimator": "plain", "signal": 0.5, "variance": 2.0, "noise": 4.0},
        {"estimator": "lost", "signal": 0.0, "variance": 2.0, "noise": None},
    ]
    told = {"scenes": 64, "copies": 8, "draws": 200, "steps": 1_500_000}
    write_json(tmp_path / "gradient_variance.json", {**told, "rows": rows})
    page = records.markdown(tmp_path)
    assert "same 64 scenes, drawn 200 times" in page
    assert "| plain | 0.5 | 2 | 4 |\n| lost | 0 | 2 | - |" in page


def test_results_are_where_the_page_looks() -> None:
    assert RESULTS.name == "results"
    assert (RESULTS.parent / "RECORDS.md").exists()
