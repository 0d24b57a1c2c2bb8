"use strict";

// The agent's own canvas, by the rule of glimpse_env/scenes/drawing.py: the ink of all strokes so far, clipped at 255.

/** The ink on the canvas after the first `count` strokes of a path: height * width bytes. */
function inkAfter(task, path, count) {
  task.ink ||= bytes(task.brushes);
  const { height, width, brushSide: side } = task, canvas = new Uint8ClampedArray(height * width);
  for (const { answer, stroke: [top, left] } of path.slice(0, count)) {
    for (let y = Math.max(top, 0); y < Math.min(top + side, height); y++) {
      for (let x = Math.max(left, 0); x < Math.min(left + side, width); x++) {
        canvas[y * width + x] += task.ink[(answer * side + y - top) * side + x - left];
      }
    }
  }
  return canvas;
}

/** Share of the blank canvas's nats that the ink takes off the image, see NATS and ENOUGH there. */
function natsTaken(task, pixels, ink) {
  const nats = (of) => pixels.reduce((sum, pixel, k) => {
    const chance = Math.min(Math.max(of(k) / 255, task.doubt), 1 - task.doubt);
    return sum - Math.log(pixel >= task.white ? chance : 1 - chance);
  }, 0);
  return 1 - nats((k) => ink[k]) / nats(() => 0);
}

/** The agent's canvas, and where its latest stroke went, placed as the scene beside it. */
function drawOwn(task, ink, path) {
  const [top, left] = path.at(-1).stroke;
  const [picture, drawing] = layers(task, (k) => [ink[k], ink[k], ink[k]], `The agent's canvas after ${path.length} strokes`);
  const unit = Math.max(task.height, task.width) / 60;
  drawing.append(svg("rect", { x: left, y: top, width: task.brushSide, height: task.brushSide, class: "window stroke", "stroke-width": 0.6 * unit }));
  return [picture, drawing];
}
