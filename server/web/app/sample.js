// The form that submits a picture as jobs and shows it as it comes in.

import { at, call, count, fog, make, read, say, span } from "./dom.js";
import { mark, paint, palette, readPGM, tiles } from "./picture.js";

const lost = new Set(["failed", "cancelled", "refused", "expired"]);
const abreast = 4; // requests under way at once

/** Makes the form work. submitted() is called when jobs were accepted. */
export function sample(submitted) {
  const form = at("sample");
  const canvas = at("picture");
  const context = canvas.getContext("2d");
  let run = null; // the picture in work or on show

  const chosen = () => Number(form.elements.side.value) ** 2;
  const label = () => {
    say(at("sample-go"), chosen() === 1 ? "Submit 1 job" : `Submit ${chosen()} jobs`);
    say(at("sample-curl"), curl());
  };
  form.addEventListener("change", (event) => {
    label();
    if (event.target.name === "palette" && run) repaint(run);
  });
  label();
  window.addEventListener("theme", () => run && repaint(run));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (run) run.stopped = true;
    const mine = begin();
    run = mine;
    at("sample-go").disabled = true;
    try {
      await inTurn(mine.tiles, (tile, i) => submit(mine, tile, i));
    } catch (problem) {
      say(at("sample-error"), problem.message);
    }
    at("sample-go").disabled = false;
    submitted();
    if (mine.tiles.some((tile) => tile.job)) await follow(mine);
  });

  function begin() {
    const size = Number(form.elements.size.value);
    canvas.width = canvas.height = size;
    at("picture-empty").hidden = true;
    at("sample-save").hidden = true;
    say(at("sample-error"), "");
    const view = form.elements.view.selectedOptions[0].textContent;
    const picture = {
      tiles: tiles(form.elements.view.value, size, Number(form.elements.side.value)), began: performance.now(), tier: form.elements.tier.value,
      view, stopped: false, devices: new Set(), spent: 0,
    };
    repaint(picture);
    return picture;
  }

  /** The request of one job. */
  function order(name, tile, tier) {
    return { name, sla_tier: tier, cpu_required: 1, memory_required: 0.25, duration_estimate: 5, args: tile.args };
  }

  /** The first job of the form as a command line. */
  function curl() {
    const { view, size, side, tier } = form.elements;
    const [tile] = tiles(view.value, Number(size.value), Number(side.value));
    const lines = Object.entries(order("tile", tile, tier.value)).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
    return `curl ${location.origin}/api/scheduler/jobs -H 'Content-Type: application/json' -d '{\n${lines.join(",\n")}\n}'`;
  }

  /** Submits one tile; after a lost answer once more, under the same key, which the server takes as the same job. */
  async function submit(mine, tile, i) {
    const key = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    const name = mine.tiles.length === 1 ? mine.view : `${mine.view}, tile ${i + 1}`;
    const request = { method: "POST", headers: { "Idempotency-Key": key }, json: order(name, tile, mine.tier) };
    const answer = await call("/api/scheduler/jobs", request).catch((problem) => {
      if (problem.status !== 0) throw problem;
      return call("/api/scheduler/jobs", request);
    });
    tile.job = (await answer.json()).jobId;
  }

  /** Asks how the jobs are until all have ended, and draws what is there. */
  async function follow(mine) {
    while (!mine.stopped && mine.tiles.some((tile) => tile.job && !tile.ended)) {
      try {
        await look(mine);
        say(at("sample-error"), "");
      } catch (problem) {
        say(at("sample-error"), problem.message);
      }
      report(mine);
      await new Promise((resolve) => setTimeout(resolve, 600));
    }
    if (!mine.stopped) finish(mine);
  }

  async function look(mine) {
    const open = mine.tiles.filter((tile) => tile.job && !tile.ended);
    const byJob = new Map(open.map((tile) => [tile.job, tile]));
    const list = await read(`/api/scheduler/jobs?limit=${Math.min(1000, mine.tiles.length + 100)}`);
    const listed = list.jobs.filter((job) => byJob.has(job.id));
    await inTurn(listed, async (job) => {
      const tile = byJob.get(job.id);
      if (job.status === "completed") await fetchTile(mine, tile);
      else if (tile.status !== job.status) drawMark(mine, tile, job.status);
      if (lost.has(job.status)) tile.ended = true;
    });
  }

  async function fetchTile(mine, tile) {
    const job = await read(`/api/scheduler/jobs/${encodeURIComponent(tile.job)}`);
    const file = job.result?.outputs[0];
    try {
      if (!file) throw new Error("The job left no picture.");
      const answer = await call(`/api/blobs/${encodeURIComponent(file.sha256)}`);
      tile.shades = readPGM(new Uint8Array(await answer.arrayBuffer()), tile.w, tile.h);
    } catch (problem) {
      if (problem.status === 0) throw problem;
      say(at("sample-error"), problem.message);
      drawMark(mine, tile, "failed");
      tile.ended = true;
      return;
    }
    tile.ended = true;
    mine.devices.add(job.node);
    mine.spent += job.quote;
    if (!mine.stopped) paint(context, tile, tile.shades, palette(form.elements.palette.value));
  }

  function drawMark(mine, tile, status) {
    tile.status = status;
    if (!mine.stopped) mark(context, tile, lost.has(status) ? "failed" : status);
  }

  function repaint(mine) {
    const colours = palette(form.elements.palette.value);
    for (const tile of mine.tiles) {
      if (tile.shades) paint(context, tile, tile.shades, colours);
      else mark(context, tile, lost.has(tile.status) ? "failed" : tile.status);
    }
    if (!at("sample-save").hidden) offer();
  }

  function report(mine) {
    const done = mine.tiles.filter((tile) => tile.shades).length;
    const running = mine.tiles.filter((tile) => tile.status === "running" && !tile.ended).length;
    at("sample-progress").value = done / mine.tiles.length;
    say(at("sample-status"), `${done} of ${mine.tiles.length} done${running ? `, ${running} running` : ""}`);
  }

  function finish(mine) {
    const done = mine.tiles.filter((tile) => tile.shades).length;
    const time = span((performance.now() - mine.began) / 1000);
    const by = mine.devices.size === 1 ? `by ${[...mine.devices][0]}` : `by ${count(mine.devices.size)} devices`;
    at("sample-progress").value = done / mine.tiles.length;
    say(at("sample-status"), done === 0 ? "No tile could be computed." :
      `${done === mine.tiles.length ? "Done" : `${done} of ${mine.tiles.length} tiles`} in ${time} ${by}, for ${fog(mine.spent)} FOG.`);
    canvas.setAttribute("aria-label", `${mine.view} of the Mandelbrot set, ${done} of ${mine.tiles.length} tiles`);
    if (done > 0) offer();
  }

  function offer() {
    canvas.toBlob((blob) => {
      const save = at("sample-save");
      if (save.href.startsWith("blob:")) URL.revokeObjectURL(save.href);
      save.href = URL.createObjectURL(blob);
      save.hidden = false;
    });
  }
}

/** Runs a task for each item, a few at a time. The first error ends it. */
async function inTurn(items, task) {
  const queue = items.entries();
  const worker = async () => {
    for (const [i, item] of queue) await task(item, i);
  };
  await Promise.all(Array.from({ length: abreast }, worker));
}
