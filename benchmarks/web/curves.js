"use strict";

// Learning curves, and accuracy against glimpses: small multiples, one a task, under one legend.

const METRICS = { accuracy: "accuracy %", return: "return", location_gradient_norm: "location-gradient norm" };

function showCharts(data, agents) {
  showLegends(data, agents);
  const metric = document.getElementById("curve-metric"), log = document.getElementById("curve-log");
  const present = Object.keys(METRICS).filter((name) => data.results.some((result) => name in result.curve));
  metric.replaceChildren(...present.map((name) => el("option", { value: name }, METRICS[name])));
  const redraw = () => showCurves(data, agents, metric.value, log.checked);
  metric.addEventListener("change", redraw);
  log.addEventListener("change", redraw);
  redraw();
  showFrontiers(data, agents);
}

/** Both legends hide and highlight agents in all charts at once. */
function showLegends(data, agents) {
  const hidden = new Set();
  const apply = (lit) => {
    for (const group of document.querySelectorAll(".series")) {
      group.classList.toggle("hidden", hidden.has(group.dataset.agent));
      group.classList.toggle("dim", lit !== null && lit !== group.dataset.agent);
    }
    for (const button of document.querySelectorAll(".legend button")) button.setAttribute("aria-pressed", String(!hidden.has(button.value)));
  };
  for (const legend of document.querySelectorAll(".legend")) {
    legend.replaceChildren(...agents.map((agent) => el("button", {
      type: "button", value: agent, "aria-pressed": "true",
      onclick: () => { if (!hidden.delete(agent)) hidden.add(agent); apply(null); },
      onpointerenter: () => apply(agent), onpointerleave: () => apply(null), onfocus: () => apply(agent), onblur: () => apply(null),
    }, swatch(agents, agent), agent)));
  }
  showLegends.apply = apply;
}

function showCurves(data, agents, metric, log) {
  const panels = [];
  for (const task of data.tasks) {
    const series = data.results.filter((one) => one.name === task.name && one.curve[metric]).map((one) => {
      const points = one.curve.steps.map((x, k) => [x, one.curve[metric][k]]).filter(([x, y]) => y !== null && x > 0);
      const text = (x, y) => `${one.agent}, seed ${one.seed}: ${metric === "accuracy" ? `${percent(y)} %` : y.toPrecision(3)} at ${steps(x)} steps`;
      return { agent: one.agent, points, text };
    }).filter((one) => one.points.length);
    if (!series.length) continue;
    const xs = series.flatMap((one) => one.points.map(([x]) => x)), ys = series.flatMap((one) => one.points.map(([, y]) => y));
    const [low, high] = metric === "accuracy" ? [0, 1] : [Math.min(0, ...ys), Math.max(...ys)];
    const xTicks = log ? logTicks(Math.min(...xs), Math.max(...xs)) : ticks(0, Math.max(...xs), 5);
    const end = Math.max(...xs) * 1.05 >= xTicks.at(-1) ? xTicks.at(-1) : Math.max(...xs);
    panels.push(chart(agents, series, {
      title: task.name, x: "environment steps", y: METRICS[metric], log,
      xTicks, xRange: [xTicks[0], end], xText: steps,
      yTicks: ticks(low, high, 5), yText: (y) => (metric === "accuracy" ? percent(y, 0) : String(parseFloat(y.toPrecision(3)))),
    }));
  }
  document.getElementById("curve-panels").replaceChildren(...(panels.length ? panels : [el("p", { class: "note" }, "No curves yet.")]));
  showLegends.apply(null);
}

function showFrontiers(data, agents) {
  const panels = [];
  for (const task of data.tasks.filter((one) => !one.priced)) {
    const series = agents.map((agent) => {
      const own = data.results.filter((one) => one.name === task.name && one.agent === agent);
      const text = (x, y) => `${agent}: ${percent(y)} % with at most ${x} of ${task.budget} glimpses`;
      return { agent, points: meanWithin(own, task.budget), text };
    }).filter((one) => one.points.length);
    if (series.length) panels.push(chart(agents, series, glimpseAxes(task.name, task.budget, "glimpses")));
  }
  const priced = data.tasks.find((one) => one.priced);
  if (data.frontiers.length && priced) {
    const series = data.frontiers.map(({ agent, points }) => ({
      agent,
      points: points.map(([cost, glimpses, accuracy, count]) => [glimpses, accuracy, `${cost}${count > 1 ? "" : "*"}`]),
      text: (x, y, note) => `${agent}, glimpse cost ${note}: ${percent(y)} % with ${x.toFixed(2)} glimpses`,
    }));
    const successes = series.flatMap((one) => one.points.map(([, y]) => y));
    const [low, high] = [Math.floor(10 * Math.min(...successes)) / 10, Math.ceil(10 * Math.max(...successes)) / 10];
    const axes = {
      ...glimpseAxes("Priced stop: success % at each glimpse cost, trained anew", priced.budget, "mean glimpses (* one seed)"),
      yTicks: ticks(low, high, 4),
    };
    const panel = chart(agents, series, axes);
    const areas = data.frontiers.map(({ agent, area }) => `${agent} ${area.toFixed(3)}`).join(", ");
    panel.append(el("p", { class: "note" }, `Area under the best success that at most so many glimpses buy: ${areas}.`));
    panels.push(panel);
  }
  document.getElementById("frontier-panels").replaceChildren(...(panels.length ? panels : [el("p", { class: "note" }, "No results yet.")]));
  showLegends.apply(null);
}

function glimpseAxes(title, budget, x) {
  const xTicks = Array.from({ length: budget }, (_, k) => k + 1);
  return { title, x, y: "success %", xTicks, xRange: [1, budget], xText: String, yTicks: ticks(0, 1, 5), yText: (y) => percent(y, 0), marks: true };
}

/** Mean over seeds of the share answered right with at most k glimpses, k = 1 ... budget, from the first k that has one. */
function meanWithin(results, budget) {
  const points = [];
  for (let k = 1; k <= budget; k++) {
    const values = results.map((one) => one.within.filter(([at]) => at <= k).map(([, share]) => share).at(-1));
    const known = values.filter((value) => value !== undefined);
    if (known.length) points.push([k, known.reduce((sum, value) => sum + value, 0) / values.length]);
  }
  return points;
}
