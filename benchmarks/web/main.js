"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const agents = data.agents;

if (data.lines.length) {
  const watch = showPlayer(data);
  showBoards(data, agents, watch);
  showCharts(data, agents);
} else {
  document.querySelector("main").replaceChildren(el("p", { class: "note" }, "No results yet: python -m benchmarks run makes them."));
}
