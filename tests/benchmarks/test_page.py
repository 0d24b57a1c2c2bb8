"""The page in a real browser. Skipped where Debian's `chromium` and `chromium-driver`, or Selenium, are missing."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_results

from agents.pictures import sheet
from benchmarks import page, score, suite
from benchmarks.files import read_json
from benchmarks.standings import stand
from glimpse_env import retina
from glimpse_env.action_log import ActionLog, take
from glimpse_env.evaluation import make_frozen

STOPPING, SCALES = "CrowdedDigits-v0", "CrowdedDigitsRetina-v0"
FURTHER = ("DigitsSequence", "GlimpseCatch", "SceneCaption", "DrawDigits")
READING, MOVING, CAPTION, DRAWING = (f"{id}-v0 (further)" for id in FURTHER)
EVIL = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-prefers-reduced-motion"
)


@pytest.fixture(scope="module")
def results() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory, results: list[dict[str, Any]]) -> Path:
    """A page of guessing policies: two tasks, a priced frontier, four further tasks, an agent with a hostile name."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(suite.SUITES, "frontier", small_results.priced((0.0, 0.05)))
        patch.setitem(suite.SUITES, "further", small_results.further())
        for name in (STOPPING, SCALES):
            for seed in range(3):
                small_results.write(folder, name, "ppo", seed=seed)
            small_results.write(folder, name, "dqn", seed=9)
            small_results.write(folder, name, EVIL, board="labels")
        for task in suite.SUITES["frontier"]:
            small_results.write(folder, task.name, "ram", board="labels", suite="frontier")
        for task in suite.SUITES["further"]:
            small_results.write(folder, task.name, "ram", board="labels", suite="further")
        results += score.load("smoke", folder)
        others = (score.load(name, folder) for name in ("frontier", "further"))
        sheet(np.zeros((40, 2000, 3), np.uint8), folder / "r2am_attention.png")
        text = page.render(page.payload(stand("smoke", results, *others)), page.figures(folder))
    path = folder / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed: pip install -e '.[dev]'")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=service.Service(chromedriver))
    yield browser
    browser.quit()


@pytest.fixture
def opened(driver: Any, html: Path) -> Iterator[Any]:
    """The page, freshly loaded in a desktop's window; whatever a test does, the console stays empty."""
    _resize(driver, 1280)
    driver.get(html.as_uri())
    yield driver
    assert driver.get_log("browser") == []
    assert driver.execute_script("return window.hacked") is None


def _resize(driver: Any, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _texts(driver: Any, selector: str) -> list[str]:
    return [element.text for element in driver.find_elements("css selector", selector)]


def _click(driver: Any, selector: str) -> None:
    driver.execute_script("document.querySelector(arguments[0]).click()", selector)


def _choose(driver: Any, box: str, value: str) -> None:
    script = """
        const box = document.getElementById(arguments[0]);
        box.value = arguments[1];
        box.dispatchEvent(new Event("change"));
    """
    driver.execute_script(script, box, value)


def test_page_needs_nothing_from_elsewhere(html: Path) -> None:
    text = html.read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"']*", text) == ["http://www.w3.org/2000/svg"], "a name, not an address to fetch"
    assert "{{" not in text
    assert text.count("</script>") == 2, "no name closes the data"


def test_data_holds_what_the_log_says(html: Path, results: list[dict[str, Any]]) -> None:
    found = re.search(r'id="data">(.*?)</script>', html.read_text(encoding="utf-8"))
    assert found
    data = json.loads(found[1])
    assert len(data["results"]) == len(results) + 6
    for shown, result in zip(data["results"], results, strict=False):
        labels = next(task["labels"] for task in data["tasks"] if task["name"] == shown["name"])
        ends = np.cumsum(shown["steps"]) - 1
        right = sum(shown["answers"][end] == label for end, label in zip(ends, labels, strict=True))
        assert right / len(labels) == pytest.approx(result["evaluation"]["accuracy"])
    assert len(data["scenes"]) == 5, "tasks with the same scenes share them"


def test_boards_are_visible_and_sort(opened: Any) -> None:
    titles = [text for text in _texts(opened, ".board h3") if text]
    assert titles == ["Reward only", "Reward and labels", "Full view and scripted references"]
    _click(opened, f"#board-tasks [value='{STOPPING}']")
    rows = ".board[data-board=reward] tbody tr"

    def column(k: int) -> list[str]:
        return _texts(opened, f"{rows} > :nth-child({k})")

    assert sorted(column(1)) == ["dqn", "ppo"]
    assert [float(text) for text in column(3)] == sorted((float(text) for text in column(3)), reverse=True)
    header = ".board[data-board=reward] thead tr:last-child th:nth-child({}) button"
    _click(opened, header.format(1))
    assert column(1) == ["dqn", "ppo"]
    _click(opened, header.format(1))
    assert column(1) == ["ppo", "dqn"]
    sort = opened.find_element("css selector", ".board[data-board=reward] thead th[aria-sort=descending]")
    assert sort.text.startswith("agent")
    assert column(2) == ["3", "1*"]
    _click(opened, header.format(2))
    assert column(1)[0] == "ppo"


def test_names_are_text(opened: Any) -> None:
    _click(opened, f"#board-tasks [value='{STOPPING}']")
    assert _texts(opened, ".board[data-board=labels] tbody th") == [EVIL]
    assert opened.find_elements("css selector", "main img:not(#pictures img), main script") == []


def test_charts_show_every_agent_and_hide_it_on_request(opened: Any) -> None:
    assert len(opened.find_elements("css selector", "#curve-panels .panel")) == 8  # six tasks, two prices
    assert len(opened.find_elements("css selector", "#frontier-panels .panel")) == 7  # six tasks, one over prices
    (frontier,) = opened.execute_script("return data.frontiers")
    assert _texts(opened, "#frontier-panels .note")[0].endswith(f"buy: ram {frontier['area']:.3f}.")
    lines = "#curve-panels .panel:first-child .series[data-agent=ppo]"
    assert len(opened.find_elements("css selector", lines)) == 3, "one line a seed"
    assert all(line.is_displayed() for line in opened.find_elements("css selector", lines))
    _click(opened, "#curves .legend [value=ppo]")
    assert not any(line.is_displayed() for line in opened.find_elements("css selector", ".series[data-agent=ppo]"))
    _click(opened, "#curve-log")
    _click(opened, "#frontier .legend [value=ppo]")
    assert all(line.is_displayed() for line in opened.find_elements("css selector", lines))
    assert "NaN" not in opened.execute_script("return document.querySelector('main').innerHTML")


def test_pictures_that_are_there_stand_at_the_end(opened: Any, tmp_path: Path) -> None:
    widths = opened.execute_script("return [...document.querySelectorAll('#pictures img')].map((x) => x.naturalWidth)")
    assert widths == [2000]
    assert "soft attention" in opened.find_element("css selector", "#pictures figcaption").text
    assert page.figures(tmp_path) == ""


def test_player_steps_with_buttons_and_keys(opened: Any) -> None:
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    stage = opened.find_element("id", "stage")

    def caption() -> str:
        return str(opened.find_element("id", "scene-caption").text)

    _choose(opened, "player-task", SCALES)
    _choose(opened, "player-agent", "dqn")
    assert opened.find_element("id", "player-seed").get_attribute("value") == "9"
    assert caption() == "Scene 0, glimpse 8 of 8"
    assert len(opened.find_elements("css selector", "#patches canvas")) == 3
    assert len(opened.find_elements("css selector", "#scene rect.window")) == 3
    _click(opened, "#step-back")
    assert caption() == "Scene 0, glimpse 7 of 8"
    stage.send_keys(keys.ARROW_LEFT)
    assert caption() == "Scene 0, glimpse 6 of 8"
    assert len(opened.find_elements("css selector", "#scene circle")) == 6
    stage.send_keys(keys.ARROW_DOWN, keys.ARROW_RIGHT)
    assert caption() == "Scene 2, glimpse 1 of 8", "after the last glimpse the next scene follows"
    stage.send_keys(keys.ARROW_LEFT, keys.ARROW_UP)
    assert caption() == "Scene 0, glimpse 8 of 8"
    opened.find_element("css selector", "#answers li:nth-child(2) button").click()  # it gets the focus
    assert caption() == "Scene 0, glimpse 2 of 8"
    opened.switch_to.active_element.send_keys(keys.ARROW_RIGHT)
    assert caption() == "Scene 0, glimpse 3 of 8", "keys go on where a button was pressed"
    slider = opened.find_element("id", "scene-slider")
    slider.send_keys(keys.END)
    assert caption() == "Scene 59, glimpse 8 of 8"
    _click(opened, "#next-mistake")
    assert opened.find_element("id", "verdict").text.endswith("wrong")
    stage.send_keys(" ")
    assert opened.find_element("id", "play").text == "Pause"
    stage.send_keys(" ")
    assert opened.find_element("id", "play").text == "Play"


def test_player_shows_the_belief_of_the_glimpse(opened: Any, results: list[dict[str, Any]]) -> None:
    _click(opened, f"#board-tasks [value='{SCALES}']")
    _click(opened, ".board[data-board=labels] tbody .link")
    names = _texts(opened, "#belief small")
    assert names == [str(k) for k in range(10)]
    result = next(result for result in results if result["name"] == SCALES and result["agent"] == EVIL)
    said = ActionLog.from_json(result["log"]).actions["action"][0, :, -1]
    for step in (8, 7, 6):
        heights = [bar.size["height"] for bar in opened.find_elements("css selector", "#belief i")]
        assert np.argmax(heights) == said[step - 1], "the agent is sure of what it says"
        assert heights.count(0) == 9
        label = opened.find_element("id", "belief").get_attribute("aria-label")
        assert label == f"Belief: {said[step - 1]} 100 %"
        _click(opened, "#step-back")
    opened.execute_script("data.results.forEach((one) => { one.beliefs = ''; delete one.episodes; })")
    _click(opened, "#step-back")
    assert not opened.find_element("id", "believes").is_displayed(), "an agent that tells no beliefs"


def test_player_shows_a_text_symbol_by_symbol(opened: Any, html: Path) -> None:
    _choose(opened, "player-task", READING)
    found = re.search(r'id="data">(.*?)</script>', html.read_text(encoding="utf-8"))
    assert found
    data = json.loads(found[1])
    task = next(task for task in data["tasks"] if task["name"] == READING)
    shown = next(result for result in data["results"] if result["name"] == READING)
    begin = seen_right = 0
    for scene in range(30):
        end = begin + shown["steps"][scene]
        said = [symbol for symbol in shown["answers"][begin:end] if symbol >= 0]
        text, begin = task["labels"][scene], end
        assert text[-1] == 10
        assert len(text) > 1
        spelled = "".join(str(symbol) for symbol in said if symbol < 10) or "none"
        right = "right" if said == text else "wrong"
        verdict = f"Reads {spelled} · text {''.join(map(str, text[:-1]))} · {right}"
        assert opened.find_element("id", "verdict").text == verdict
        signs = [sign for sign in _texts(opened, "#answers button small:last-child") if sign.strip()]
        dues = [*text, *[None] * len(said)]  # whoever says too much is wrong there
        assert signs == ["✓" if symbol == due else "✗" for symbol, due in zip(said, dues, strict=False)]
        seen_right += signs.count("✓")
        _click(opened, "#scene-on")
    assert seen_right > 0


def test_player_shows_things_move(opened: Any, html: Path) -> None:
    _choose(opened, "player-task", MOVING)
    found = re.search(r'id="data">(.*?)</script>', html.read_text(encoding="utf-8"))
    assert found
    data = json.loads(found[1])
    shown = next(result for result in data["results"] if result["name"] == MOVING)
    frames = np.frombuffer(base64.b64decode(data["scenes"][shown["scenes"]]), np.uint8).reshape(-1, 24, 24)
    assert len(frames) == sum(shown["steps"])
    assert {int(frame.sum()) for frame in frames} == {3 * 255}, "a ball, and a paddle of two pixels"
    read = """
        const canvas = document.querySelector("#scene canvas");
        return Array.from(canvas.getContext("2d").getImageData(0, 0, 24, 24).data).filter((_, k) => k % 4 === 0);
    """
    for step in reversed(range(shown["steps"][0])):
        seen = np.array(opened.execute_script(read)).reshape(24, 24)
        bright = np.argwhere(seen > 60)  # what has not been seen is shown dark, not hidden
        np.testing.assert_array_equal(bright, np.argwhere(frames[step]))
        _click(opened, "#step-back")
    assert opened.find_element("id", "verdict").text == ("Succeeds" if shown["right"][0] else "Fails")
    assert opened.find_element("id", "scene-slider").get_attribute("max") == str(len(shown["steps"]) - 1)
    assert "".join(_texts(opened, "#answers small:last-child")).strip() == "", "no move is right or wrong"


def test_player_shows_a_caption_and_judges_no_word(opened: Any) -> None:
    _choose(opened, "player-task", CAPTION)
    said, reference = opened.find_element("id", "verdict").text.removeprefix("Says ").split(" · one reference: ")
    words = [text.split("\n")[1] for text in _texts(opened, "#answers button")]
    assert said.split() == [word for word in words if word not in ("·", "end")]
    assert len(reference.split()) > 2
    assert "".join(_texts(opened, "#answers small:last-child")).strip() == ""


def test_player_shows_what_a_hand_draws(opened: Any, html: Path) -> None:
    (file,) = (html.parent / "further" / "DrawDigits-v0").glob("*/seed0.json")
    result = read_json(file)
    log, scenes = ActionLog.from_json(result["log"]), 6
    env = make_frozen(log.id, scenes, "test", **log.overrides)
    observation, _ = env.reset(options={"index": np.arange(scenes)})
    script = """
        const result = data.results.find((one) => one.name === arguments[0]);
        const task = data.tasks.find((one) => one.name === result.name), pixels = bytes(data.scenes[task.scenes]);
        const size = task.height * task.width;
        return episodes(result).map((path, scene) => [
          path.map(({ gaze }, k) => windowsAt(task, gaze).map((window) =>
            Array.from(look(task, inkAfter(task, path, k), window)))),
          natsTaken(task, pixels.subarray(scene * size, (scene + 1) * size), inkAfter(task, path, path.length)),
        ]);
    """
    shown = opened.execute_script(script, DRAWING)
    inked = 0
    for step in range(env.task.budget):
        own = observation["glimpse"][:, len(env.task.scales) :]  # the patches of one's own canvas come second
        seen = np.array([path[step] for path, _ in shown[:scenes]], np.float32).reshape(own.shape)
        np.testing.assert_array_equal(seen, own)
        inked += np.count_nonzero(own)
        observation, *_ = env.step(take(log.actions, (np.arange(scenes), step)))
    assert inked > 1000
    assert np.mean([share for _, share in shown]) == pytest.approx(result["evaluation"]["mean_return"])

    _choose(opened, "player-task", DRAWING)
    assert opened.find_element("id", "own").is_displayed()
    assert len(opened.find_elements("css selector", "#patches canvas")) == 4
    assert "".join(_texts(opened, "#answers small:last-child")).strip() == "", "no brush is right or wrong"
    share = f"{100 * shown[0][1]:.1f} % of the blank canvas's nats"
    assert opened.find_element("id", "verdict").text.endswith(f"the drawing takes off {share}")
    _choose(opened, "player-task", SCALES)
    assert not opened.find_element("id", "own").is_displayed()


def test_board_leads_to_the_player(opened: Any) -> None:
    _click(opened, f"#board-tasks [value='{SCALES}']")
    _click(opened, ".board[data-board=labels] tbody .link")
    assert opened.find_element("id", "player-task").get_attribute("value") == SCALES
    assert opened.find_element("id", "player-agent").get_attribute("value") == EVIL


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(opened: Any, html: Path, width: int) -> None:
    _resize(opened, width)
    opened.get(html.as_uri())
    _choose(opened, "player-task", DRAWING)
    for task in ("", STOPPING):
        _click(opened, f"#board-tasks [value='{task}']")
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(opened: Any) -> None:
    controls = opened.find_elements("css selector", "button, select, input, [role=img], [role=region], nav")
    assert len(controls) > 30
    nameless = [control.get_attribute("outerHTML") for control in controls if not control.accessible_name]
    assert nameless == []


def test_retina_of_the_page_equals_the_environments(opened: Any, results: list[dict[str, Any]]) -> None:
    scenes = 6
    for name in (STOPPING, SCALES):
        place = next(k for k, result in enumerate(results) if result["name"] == name)
        script = """
            const [place, count] = arguments, result = data.results[place];
            const task = data.tasks.find((one) => one.name === result.name), pixels = bytes(data.scenes[task.scenes]);
            const size = task.height * task.width * task.channels;
            return episodes(result).slice(0, count).map((path, scene) => path.map(({ gaze }) =>
              windowsAt(task, gaze).map((window) =>
                Array.from(look(task, pixels.subarray(scene * size, (scene + 1) * size), window)))));
        """
        shown = opened.execute_script(script, place, scenes)
        log = ActionLog.from_json(results[place]["log"])
        env = make_frozen(log.id, scenes, "test", **log.overrides)
        observation, _ = env.reset(options={"index": np.arange(scenes)})
        compared = 0
        for step in range(env.task.budget):
            for scene in np.flatnonzero(step < log.steps[:scenes]):
                seen = np.array(shown[scene][step], np.float32).reshape(observation["glimpse"][scene].shape)
                np.testing.assert_array_equal(seen, observation["glimpse"][scene])
                compared += 1
            observation, *_ = env.step(take(log.actions, (np.arange(scenes), step)))
        assert compared == log.steps[:scenes].sum()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("patch", [4, 5])
def test_retina_of_the_page_equals_the_reference(opened: Any, patch: int, channels: int) -> None:
    random = np.random.default_rng(patch)
    canvas = random.integers(0, 256, (17, 23, channels), np.uint8)
    gazes = [*np.float32(random.uniform(-1, 1, (20, 2))).tolist(), [-1, 1], [1, -1], [0, 0]]
    script = """
        const [pixels, gazes, shape] = arguments;
        const seen = (gaze) => windowsAt(shape, [...gaze, 1]).map((window) => Array.from(look(shape, pixels, window)));
        return gazes.map(seen);
    """
    shape = {"height": 17, "width": 23, "channels": channels, "patch": patch, "scales": [1, 3], "zooms": [1, 2]}
    shown = opened.execute_script(script, canvas.ravel().tolist(), gazes, shape)
    for (row, column), seen in zip(gazes, shown, strict=True):
        wanted = retina.reference(canvas, row, column, (2, 6), patch).reshape(2, channels, patch, patch)
        found = np.array(seen, np.float32).reshape(2, patch, patch, channels).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(found, wanted)
