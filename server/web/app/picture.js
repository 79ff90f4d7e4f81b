// Pictures of the sample: the views, the tiles and the colours. Files from devices are data: they are checked and drawn
// point by point, nothing in them is run or shown as a page.

/** Parts of the Mandelbrot set: middle, width and how many iterations show its detail. */
export const views = {
  whole: { cx: -0.5, cy: 0, scale: 3, most: 500 },
  seahorse: { cx: -0.7453, cy: 0.1127, scale: 0.012, most: 1500 },
  elephant: { cx: 0.2856, cy: 0.0104, scale: 0.026, most: 1500 },
  spiral: { cx: -0.743643887, cy: 0.131825904, scale: 0.0002, most: 4000 },
  island: { cx: -1.768778833, cy: -0.001738996, scale: 0.0006, most: 4000 },
};

/** Cuts a picture of size x size points into side x side tiles, each with the arguments of the guest. */
export function tiles(view, size, side) {
  const { cx, cy, scale, most } = views[view];
  const list = [];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const x = Math.floor((column * size) / side);
      const y = Math.floor((row * size) / side);
      const w = Math.floor(((column + 1) * size) / side) - x;
      const h = Math.floor(((row + 1) * size) / side) - y;
      list.push({ x, y, w, h, args: [size, size, x, y, w, h, most, cx, cy, scale].map(String) });
    }
  }
  return list;
}

/** Reads a binary PGM of exactly w x h points. Anything else is refused. */
export function readPGM(bytes, w, h) {
  const head = new TextDecoder("ascii").decode(bytes.subarray(0, 32));
  const found = /^P5\s+(\d{1,5})\s+(\d{1,5})\s+255\s/.exec(head);
  if (!found || Number(found[1]) !== w || Number(found[2]) !== h || bytes.length !== found[0].length + w * h) {
    throw new Error("The device's output is not the tile that was ordered.");
  }
  return bytes.subarray(found[0].length);
}

const stops = {
  mist: ["#04181f", "#0b4f55", "#2f9c95", "#bfe7df", "#fbfdfb", "#9cc3d5", "#3b6f94", "#123250", "#04181f"],
  ember: ["#12060d", "#571336", "#b3304b", "#f08a4b", "#ffe7b0", "#fdfbf5", "#d98f6b", "#6b2440", "#12060d"],
};

/** 256 colours, red, green and blue. Shade 0 is inside of the set. */
export function palette(name) {
  const table = new Uint8ClampedArray(256 * 3);
  const colours = stops[name]?.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  for (let shade = 1; shade < 256; shade++) {
    if (!colours) {
      table.fill(shade, shade * 3, shade * 3 + 3);
      continue;
    }
    // The shade falls by one with each iteration: the colours go round every 64.
    const place = (((255 - shade) % 64) / 64) * (colours.length - 1);
    const from = Math.floor(place);
    for (let c = 0; c < 3; c++) table[shade * 3 + c] = colours[from][c] + (colours[from + 1][c] - colours[from][c]) * (place - from);
  }
  return table;
}

/** Draws the shades of one tile in colours. */
export function paint(context, tile, shades, colours) {
  const image = context.createImageData(tile.w, tile.h);
  for (let i = 0; i < shades.length; i++) {
    image.data.set(colours.subarray(shades[i] * 3, shades[i] * 3 + 3), i * 4);
    image.data[i * 4 + 3] = 255;
  }
  context.putImageData(image, tile.x, tile.y);
}

/** Marks a tile that is not there yet. */
export function mark(context, tile, status) {
  const css = getComputedStyle(document.documentElement);
  const fill = { running: "--tile-running", completed: "--tile-running", failed: "--tile-failed" }[status] ?? "--tile-waiting";
  context.fillStyle = css.getPropertyValue(fill).trim();
  context.fillRect(tile.x, tile.y, tile.w, tile.h);
  context.strokeStyle = css.getPropertyValue("--line").trim();
  context.strokeRect(tile.x + 0.5, tile.y + 0.5, tile.w - 1, tile.h - 1);
}
