"use strict";

// The three boards, over all tasks or for one task, each table sortable by any column.

/** Fill the boards; `watch(task, agent)` shows an agent in the player. */
function showBoards(data, agents, watch) {
  const group = document.getElementById("board-tasks");
  const names = [...new Set(data.lines.map((line) => line.task))];
  const choices = [["", "All tasks"], ...names.map((name) => [name, name])];
  const show = (chosen) => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.value === chosen));
    const task = data.tasks.find((one) => one.name === chosen);
    document.getElementById("board-note").textContent = task
      ? `Seen: ${task.seen}. Asks for ${task.tags.join(", ")}.`
      : "Normalised score over tasks and seeds, interquartile mean (0 random gaze, 1 oracle gaze), and success on each task in %.";
    document.getElementById("board-tables").replaceChildren(...data.boards.map(({ board, title, text }) => {
      const columns = task ? taskColumns(data.lines) : overallColumns(data, names);
      const rows = task
        ? data.lines.filter((line) => line.board === board && line.task === chosen)
        : overallRows(data, board);
      const body = rows.length ? sortable(columns, rows, title, agents, task ? (row) => watch(chosen, row.agent) : null) : el("p", { class: "note" }, "No results yet.");
      return el("div", { class: "board", "data-board": board }, el("h3", {}, title), el("p", { class: "note" }, `May use ${text}.`), body);
    }));
  };
  group.replaceChildren(...choices.map(([value, text]) => el("button", { type: "button", value, onclick: () => show(value) }, text)));
  show("");
}

/** Every agent of a board, with its overall score where there is one. */
function overallRows(data, board) {
  const found = [...new Set(data.lines.filter((line) => line.board === board).map((line) => line.agent))];
  return found.map((agent) => {
    const summary = data.summaries.find((one) => one.agent === agent) || { score: null, interval: null };
    const own = data.lines.filter((line) => line.agent === agent && line.board === board);
    return { agent, ...summary, seeds: Math.min(...own.map((line) => line.seeds.length)), success: Object.fromEntries(own.map((line) => [line.task, line.accuracy])) };
  });
}

// A column is {title, group, value(row)} with text(row), draw(row) or a factor and digits; the first one is the agent,
// and the one marked `first` orders the table to begin with.

function overallColumns(data, names) {
  return [
    { title: "agent", value: (row) => row.agent },
    { title: "score", group: "all tasks", value: (row) => row.score, digits: 3, first: true },
    { title: "95 %", group: "all tasks", value: (row) => row.interval && row.interval[0], text: (row) => interval(row.interval, 1, 3) },
    { title: "seeds", group: "all tasks", value: (row) => row.seeds, text: (row) => seeds(row.seeds) },
    ...names.map((name) => ({ title: name, group: "success %", value: (row) => row.success[name] ?? null, factor: 100, digits: 2 })),
  ];
}

function taskColumns(lines) {
  const share = (title, group, name) => ({ title, group, value: (row) => row[name], factor: 100, digits: 1 });
  const gradients = lines.some((line) => line.gradient !== null);
  return [
    { title: "agent", value: (row) => row.agent },
    { title: "seeds", group: "score", value: (row) => row.seeds.length, text: (row) => seeds(row.seeds.length) },
    { title: "success %", group: "score", value: (row) => row.accuracy, factor: 100, digits: 2, first: true },
    { title: "spread", group: "score", value: (row) => row.spread && row.spread[0], draw: strip },
    { title: "return", group: "score", value: (row) => row.mean_return, digits: 3 },
    { title: "glimpses", group: "score", value: (row) => row.mean_glimpses, digits: 2 },
    { title: "area", group: "score", value: (row) => row.area, digits: 3 },
    { title: "norm.", group: "score", value: (row) => row.normalised, digits: 3 },
    share("as is", "gaze taken away: success %", "unchanged"),
    share("shuffled", "gaze taken away: success %", "shuffled"),
    share("random", "gaze taken away: success %", "random"),
    share("coverage", "gaze %", "coverage"),
    share("corner", "gaze %", "corner"),
    { title: "steps", group: "training", value: (row) => row.steps, text: (row) => steps(row.steps) },
    { title: "time", group: "training", value: (row) => row.train_seconds, text: (row) => duration(row.train_seconds) },
    ...(gradients ? [{ title: "gradient", group: "training", value: (row) => row.gradient, digits: 3 }] : []),
  ];
}

const seeds = (number) => (number === 1 ? el("abbr", { title: "one seed: no evidence" }, "1*") : String(number));
const interval = (bounds, factor, digits) => (bounds ? bounds.map((bound) => (factor * bound).toFixed(digits)).join(" – ") : "");

/** Success from 0 to 100 %: each seed a tick, the mean a dot, the interval a line. */
function strip(row) {
  const x = (share) => 4 + 92 * share;
  const bounds = row.spread && row.spread[1];
  const text = `${percent(row.accuracy, 2)} %${bounds ? `, interquartile mean ${percent(row.spread[0], 2)} %, 95 % interval ${interval(bounds, 100, 2)} %` : ""}`;
  return svg("svg", { viewBox: "0 0 100 16", width: 100, height: 16, class: "strip", role: "img", "aria-label": text },
    svg("title", {}, text),
    svg("line", { x1: x(0), x2: x(1), y1: 8, y2: 8, class: "rail" }),
    ...row.successes.map((share) => svg("line", { x1: x(share), x2: x(share), y1: 3, y2: 13, class: "seed" })),
    bounds ? svg("line", { x1: x(bounds[0]), x2: x(bounds[1]), y1: 8, y2: 8, class: "interval" }) : null,
    svg("circle", { cx: x(row.accuracy), cy: 8, r: 3.2, class: "mean" }));
}

/** A table that is sorted by the column whose header was pressed; what has no value comes last. */
function sortable(columns, rows, title, agents, watch) {
  let by = columns.find((column) => column.first), descending = true;
  const body = el("tbody"), headers = columns.map((column) => {
    const button = el("button", { type: "button", onclick: () => sort(column) }, column.title);
    return el("th", { scope: "col" }, button);
  });
  const sort = (column) => {
    descending = column === by ? !descending : typeof column.value(rows[0]) !== "string";
    by = column;
    fill();
  };
  const fill = () => {
    const order = (a, b) => {
      const [p, q] = [by.value(a), by.value(b)];
      if (p === null || q === null) return (p === null) - (q === null);
      return (p < q ? -1 : p > q ? 1 : 0) * (descending ? -1 : 1);
    };
    headers.forEach((header, k) => header.setAttribute("aria-sort", columns[k] !== by ? "none" : descending ? "descending" : "ascending"));
    body.replaceChildren(...[...rows].sort(order).map((row) => el("tr", {}, ...columns.map((column, k) => cell(column, row, k)))));
  };
  const from = (k) => (columns[k].group !== columns[k - 1]?.group ? "from" : ""); // where a group of columns begins
  const cell = (column, row, k) => {
    if (k === 0) {
      const name = watch ? el("button", { type: "button", class: "link", title: "Watch its scan paths", onclick: watch.bind(null, row) }, row.agent) : row.agent;
      return el("th", { scope: "row" }, swatch(agents, row.agent), name);
    }
    if (column.draw) return el("td", { class: from(k) }, column.draw(row));
    const value = column.value(row);
    if (value === null || value === undefined) return el("td", { class: `none ${from(k)}` }, "–");
    return el("td", { class: from(k) }, column.text ? column.text(row) : ((column.factor || 1) * value).toFixed(column.digits));
  };
  fill();
  const groups = [];
  for (const column of columns) {
    if (groups.length && groups.at(-1).name === (column.group || "")) groups.at(-1).span++;
    else groups.push({ name: column.group || "", span: 1 });
  }
  const top = groups.map(({ name, span }) => (name ? el("th", { scope: "colgroup", colspan: span }, name) : el("td", { colspan: span })));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, table` },
    el("table", {}, el("thead", {}, el("tr", { class: "groups" }, ...top), el("tr", {}, ...headers)), body));
}
