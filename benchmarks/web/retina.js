"use strict";

// The retina, by the rule of glimpse_env/retina.py, bit for bit: zero padding, whole-pixel windows, block means as float32.

/** First row (or column) of a window of `side` pixels around a gaze in [-1, 1] on `size` pixels. */
function windowStart(gaze, size, side) {
  const centre = (gaze + 1) * 0.5 * (size - 1);
  return Math.floor(centre + 1 - 0.5 * (side % 2)) - Math.floor(side / 2);
}

/** The windows at one gaze, one a scale: {top, left, side, factor}, in canvas pixels. */
function windowsAt(task, gaze) {
  const zoom = task.zooms[Math.round((gaze[2] + 1) / 2 * (task.zooms.length - 1))];
  return task.scales.map((scale) => {
    const factor = scale * zoom, side = task.patch * factor;
    return { top: windowStart(gaze[0], task.height, side), left: windowStart(gaze[1], task.width, side), side, factor };
  });
}

/** What one window shows: patch * patch * channels means in [0, 1], row by row, of a scene in bytes (row, column, channel). */
function look(task, pixels, window) {
  const { height, width, channels, patch } = task, { top, left, factor } = window;
  const unit = Math.fround(1 / (255 * factor * factor));
  const seen = new Float32Array(patch * patch * channels);
  for (let k = 0; k < seen.length; k++) {
    const channel = k % channels, column = Math.floor(k / channels) % patch, row = Math.floor(k / channels / patch);
    let sum = 0;
    for (let i = 0; i < factor; i++) {
      const y = top + row * factor + i;
      if (y < 0 || y >= height) continue;
      for (let j = 0; j < factor; j++) {
        const x = left + column * factor + j;
        if (x >= 0 && x < width) sum += pixels[(y * width + x) * channels + channel];
      }
    }
    seen[k] = Math.fround(sum) * unit;
  }
  return seen;
}
