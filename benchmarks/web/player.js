"use strict";

// Steps through the test scenes of a result: the scene, the gaze and its windows, what the retina saw, what was answered.

const UNSEEN = 0.35; // brightness where the agent has not looked
const TICK = 700; // milliseconds a glimpse stays while playing

function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Every episode of a result: [{gaze: [row, column, zoom], answer, stroke, belief, at}], unpacked when it is first shown. */
function episodes(result) {
  if (!result.episodes) {
    const gazes = new Float32Array(bytes(result.gazes).buffer), classes = result.beliefs.length / result.answers.length;
    const strokes = new Int16Array(bytes(result.strokes || "").buffer);
    let at = 0;
    result.episodes = result.steps.map((count) => Array.from({ length: count }, () => {
      // One hexadecimal digit for each class: its probability in fifteenths. Empty for agents that told no beliefs.
      const belief = Array.from(result.beliefs.slice(classes * at, classes * (at + 1)), (digit) => parseInt(digit, 16) / 15);
      const stroke = strokes.subarray(2 * at, 2 * at + 2); // its top and left; empty where nothing is drawn
      const glimpse = { gaze: gazes.subarray(3 * at, 3 * at + 3), answer: result.answers[at], stroke, belief, at };
      at++;
      return glimpse;
    }));
  }
  return result.episodes;
}

/** What an episode answers: the symbol said last or, where a text is read, all that were said; as a list. */
function answerOf(task, path) {
  const said = task.reads ? path.map(({ answer }) => answer) : [path.at(-1).answer];
  return said.filter((answer) => answer >= 0);
}

/** The right symbol at every step: the label or, where a text is read, the symbol that follows those said before. */
function dueSymbols(task, scene, path) {
  let said = 0;
  if (!task.marked) return path.map(() => null); // no symbol is right or wrong in itself
  return path.map(({ answer }) => (task.reads ? task.labels[scene][answer < 0 ? said : said++] : task.labels[scene]));
}

/** Symbols as a text: letters and digits side by side, words apart; the closing symbol is left out. */
function spell(task, symbols) {
  const names = symbols.map((symbol) => task.classes[symbol]).filter((name) => !(task.reads && name === "end"));
  return names.join(names.some((name) => name.length > 1) ? " " : "") || "none";
}

/** How the episode ended. */
function tellVerdict(task, scene, path, right, pixels) {
  const state = right ? "right" : "wrong";
  if (task.draws) {
    const share = natsTaken(task, pixels, inkAfter(task, path, path.length));
    return [el("strong", { class: state }, right ? "Succeeds" : "Fails"), ` · the drawing takes off ${percent(share)} % of the blank canvas's nats`];
  }
  if (task.steers) return [el("strong", { class: state }, right ? "Succeeds" : "Fails")];
  if (!task.marked) return ["Says ", el("strong", {}, spell(task, answerOf(task, path))), " · one reference: ", el("strong", {}, spell(task, task.labels[scene]))];
  return [task.reads ? "Reads " : "Final answer ", el("strong", { class: state }, spell(task, answerOf(task, path))),
    task.reads ? " · text " : " · label ", el("strong", {}, spell(task, [task.labels[scene]].flat())), ` · ${state}`];
}

/** Wire the player up; returns the function that shows an agent on a task. */
function showPlayer(data) {
  const at = (id) => document.getElementById(id);
  const [taskBox, agentBox, seedBox, slider, play] = ["player-task", "player-agent", "player-seed", "scene-slider", "play"].map(at);
  const pixels = {};
  let result = null, task = null, scene = 0, step = 0, timer = null;

  const options = (box, values, texts = values) => {
    const before = box.value;
    box.replaceChildren(...values.map((value, k) => el("option", { value }, String(texts[k]))));
    if (values.map(String).includes(before)) box.value = before;
  };
  const chooseTask = () => {
    const own = data.results.filter((one) => one.name === taskBox.value);
    options(agentBox, [...new Set(own.map((one) => one.agent))]);
    chooseAgent();
  };
  const chooseAgent = () => {
    options(seedBox, data.results.filter((one) => one.name === taskBox.value && one.agent === agentBox.value).map((one) => one.seed));
    chooseResult();
  };
  const chooseResult = () => {
    result = data.results.find((one) => one.name === taskBox.value && one.agent === agentBox.value && String(one.seed) === seedBox.value);
    task = data.tasks.find((one) => one.name === result.name);
    const scenes = task.scenes || result.scenes; // where something moves, every result has pictures of its own
    pixels[scenes] ||= bytes(data.scenes[scenes]);
    slider.max = result.steps.length - 1;
    at("player-command").textContent = result.command;
    move(scene, Infinity);
  };
  const move = (newScene, newStep) => {
    scene = Math.max(0, Math.min(newScene, result.steps.length - 1));
    step = Math.max(0, Math.min(newStep, result.steps[scene] - 1));
    slider.value = scene;
    at("scene-number").textContent = scene;
    draw();
  };
  /** One glimpse on or back, into the next or the last scene where this one ends. */
  const advance = (by) => {
    if (step + by >= 0 && step + by < result.steps[scene]) move(scene, step + by);
    else if (result.steps[scene + by]) move(scene + by, by > 0 ? 0 : Infinity);
  };
  const draw = () => {
    const path = episodes(result)[scene], size = task.height * task.width * task.channels;
    const picture = task.moves ? path[step].at : scene;
    const bytesOfScene = pixels[task.scenes || result.scenes].subarray(picture * size, (picture + 1) * size);
    at("scene").replaceChildren(...drawScene(task, bytesOfScene, path.slice(0, step + 1)));
    const seen = task.draws ? [bytesOfScene, inkAfter(task, path, step)] : [bytesOfScene];
    at("patches").replaceChildren(...seen.flatMap((picture, own) => windowsAt(task, path[step].gaze).map((window, k) => drawPatch(task, picture, window, k, own))));
    at("own").hidden = !task.draws;
    if (task.draws) at("own").replaceChildren(...drawOwn(task, inkAfter(task, path, step + 1), path.slice(0, step + 1)));
    const due = dueSymbols(task, scene, path), names = task.classes;
    at("answers").replaceChildren(...path.map(({ answer }, k) => drawAnswer(answer, due[k], names, k, step, () => {
      move(scene, k);
      focusStage(); // the button that was pressed has been drawn anew
    })));
    at("believes").hidden = !path[step].belief.length;
    at("belief").replaceChildren(...drawBelief(path[step].belief, names, due[step]));
    at("belief").setAttribute("aria-label", `Belief: ${tellBelief(path[step].belief, names)}`);
    at("scene-caption").textContent = `Scene ${scene}, glimpse ${step + 1} of ${path.length}${task.stopping ? ` (at most ${task.budget})` : ""}${task.draws ? "; beside it the agent's canvas" : ""}`;
    at("verdict").replaceChildren(...tellVerdict(task, scene, path, result.right[scene], bytesOfScene));
  };
  const focusStage = () => at("stage").focus({ preventScroll: true });
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  const toggle = () => {
    if (timer) return stop();
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    if (step === result.steps[scene] - 1) move(scene, 0);
    timer = setInterval(() => advance(1), TICK);
    return undefined;
  };
  const mistake = () => {
    const wrong = result.right.map((right) => !right);
    const order = wrong.map((_, k) => (scene + 1 + k) % wrong.length);
    const next = order.find((k) => wrong[k]);
    if (next === undefined) at("verdict").textContent = "No mistake on these scenes.";
    else move(next, Infinity);
  };
  const keys = {
    ArrowLeft: () => advance(-1), ArrowRight: () => advance(1),
    ArrowUp: () => move(scene - 1, Infinity), ArrowDown: () => move(scene + 1, Infinity), " ": toggle,
  };

  taskBox.addEventListener("change", chooseTask);
  agentBox.addEventListener("change", chooseAgent);
  seedBox.addEventListener("change", chooseResult);
  slider.addEventListener("input", () => move(Number(slider.value), Infinity));
  at("step-back").addEventListener("click", () => advance(-1));
  at("step-on").addEventListener("click", () => advance(1));
  at("scene-back").addEventListener("click", () => move(scene - 1, Infinity));
  at("scene-on").addEventListener("click", () => move(scene + 1, Infinity));
  at("next-mistake").addEventListener("click", mistake);
  play.addEventListener("click", toggle);
  at("player").addEventListener("keydown", (event) => {
    // Selects and the slider keep their own keys, buttons their space.
    if (!keys[event.key] || ["SELECT", "INPUT"].includes(event.target.tagName) || (event.key === " " && event.target.tagName !== "DIV")) return;
    event.preventDefault();
    keys[event.key]();
  });
  const choose = (name, agent) => {
    taskBox.value = name;
    chooseTask();
    agentBox.value = agent;
    chooseAgent();
  };
  options(taskBox, [...new Set(data.results.map((one) => one.name))]);
  // To begin with, the best agent that is no reference, on the hardest task.
  const candidates = data.lines.filter((line) => line.task === data.lines.at(-1).task);
  const best = candidates.filter((line) => line.board !== "reference").sort((a, b) => b.accuracy - a.accuracy)[0] || candidates[0];
  choose(best.task, best.agent);
  return (name, agent) => {
    choose(name, agent);
    at("player").scrollIntoView();
    focusStage();
  };
}

/** The scene as a canvas, brighter the sharper it has been seen, under an SVG with the path and the latest windows. */
function drawScene(task, pixels, path) {
  const { height, width } = task;
  const light = new Float32Array(height * width).fill(UNSEEN), finest = task.patch * task.scales[0] * task.zooms[0];
  for (const { gaze } of path) {
    for (const { top, left, side } of windowsAt(task, gaze)) {
      const bright = UNSEEN + (1 - UNSEEN) * Math.sqrt(finest / side);
      for (let y = Math.max(top, 0); y < Math.min(top + side, height); y++) {
        for (let x = Math.max(left, 0); x < Math.min(left + side, width); x++) light[y * width + x] = Math.max(light[y * width + x], bright);
      }
    }
  }
  const [picture, drawing] = layers(
    task, (k) => [0, 1, 2].map((c) => light[k] * (38 + 217 / 255 * pixels[k * task.channels + (c % task.channels)])),
    `The scene with ${path.length} gazes; the latest at row ${path.at(-1).gaze[0].toFixed(2)}, column ${path.at(-1).gaze[1].toFixed(2)}`,
  );
  const unit = Math.max(height, width) / 60;
  const place = (gaze) => [(gaze[1] + 1) / 2 * (width - 1) + 0.5, (gaze[0] + 1) / 2 * (height - 1) + 0.5];
  windowsAt(task, path.at(-1).gaze).forEach((window, k) => {
    drawing.append(svg("rect", { x: window.left, y: window.top, width: window.side, height: window.side, class: `window scale-${k % 4}`, "stroke-width": 0.6 * unit }));
  });
  const places = path.map(({ gaze }) => place(gaze));
  drawing.append(svg("polyline", { points: places.map((spot) => spot.join(",")).join(" "), class: "path", "stroke-width": 0.5 * unit }));
  places.forEach(([x, y], k) => {
    const latest = k === places.length - 1;
    drawing.append(svg("circle", { cx: x, cy: y, r: 1.6 * unit, class: latest ? "gaze latest" : "gaze", "stroke-width": 0.3 * unit }));
    drawing.append(svg("text", { x, y: y + 0.75 * unit, class: latest ? "number latest" : "number", "font-size": 2.1 * unit }, String(k + 1)));
  });
  return [picture, drawing];
}

/** A picture of a task's size, a margin around it, under an SVG in the same pixels. */
function layers(task, colour, label) {
  const { height, width } = task, margin = Math.round(Math.max(height, width) / 12);
  const picture = paint(height, width, colour), whole = [height + 2 * margin, width + 2 * margin];
  Object.assign(picture.style, {
    top: `${100 * margin / whole[0]}%`, left: `${100 * margin / whole[1]}%`, height: `${100 * height / whole[0]}%`, width: `${100 * width / whole[1]}%`,
  });
  picture.setAttribute("aria-hidden", "true");
  return [picture, svg("svg", { viewBox: `${-margin} ${-margin} ${whole[1]} ${whole[0]}`, role: "img", "aria-label": label })];
}

/** One patch of the retina, of the scene or of the agent's own canvas, framed in the colour of its window. */
function drawPatch(task, pixels, window, k, own) {
  const seen = look(task, pixels, window);
  const picture = paint(task.patch, task.patch, (at) => [0, 1, 2].map((c) => 255 * seen[at * task.channels + (c % task.channels)]));
  picture.className = `patch scale-${k % 4}`;
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `Patch of ${task.patch} by ${task.patch} numbers, from a window of ${window.side} by ${window.side} pixels${own ? " of the agent's own canvas" : ""}`);
  return el("figure", {}, picture, el("figcaption", {}, `${window.side} px${own ? ", own" : ""}`));
}

/** What was said after glimpse k: a button that goes there. */
function drawAnswer(answer, label, names, k, step, go) {
  const state = answer < 0 ? "silent" : label === null ? "said" : answer === label ? "right" : "wrong";
  const said = answer < 0 ? "looks on" : `says ${names[answer]}${label === null ? "" : `, ${state}`}`;
  return el("li", {}, el("button", {
    type: "button", class: `${state}${k > step ? " ahead" : ""}`, "aria-current": k === step ? "step" : null, "aria-label": `Glimpse ${k + 1}: ${said}`, onclick: go,
  }, el("small", {}, String(k + 1)), answer < 0 ? "·" : names[answer], el("small", {}, { right: "✓", wrong: "✗" }[state] || "\u00a0")));
}

/** The likeliest classes, most of all `most`, in their own order: [[class, probability]]. */
function likeliest(belief, most) {
  const ranked = belief.map((share, k) => [k, share]).sort((a, b) => b[1] - a[1]);
  return ranked.slice(0, most).sort((a, b) => a[0] - b[0]);
}

/** A bar for each class (of many, for the likeliest), the right one in the colour of right answers. */
function drawBelief(belief, names, label) {
  return likeliest(belief, 12).map(([k, share]) => {
    const bar = el("i");
    bar.style.height = `${100 * share}%`;
    return el("span", { class: k === label ? "right" : null }, el("b", {}, bar), el("small", {}, names[k]));
  });
}

function tellBelief(belief, names) {
  return likeliest(belief, 3).filter(([, share]) => share > 0).map(([k, share]) => `${names[k]} ${percent(share, 0)} %`).join(", ");
}

/** A canvas of height x width pixels; `colour(k)` gives red, green and blue of pixel k. */
function paint(height, width, colour) {
  const canvas = el("canvas", { width, height }), context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let k = 0; k < height * width; k++) image.data.set([...colour(k), 255], 4 * k);
  context.putImageData(image, 0, 0);
  return canvas;
}
