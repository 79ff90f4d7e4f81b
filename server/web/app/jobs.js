// The table of jobs. The row of a job that waits says why; job.js makes the panel below it.

import { ago, at, count, make, poll, read, say } from "./dom.js";
import { badge, panelOf, why } from "./job.js";

const page = 10;
const most = 200;
const patience = 4000; // milliseconds until a row asks again why its job waits

/** Starts the table. The returned kick() asks for new rows soon. */
export function jobs() {
  const rows = new Map(); // by job id
  let limit = page;

  const poller = poll(async () => {
    const filter = at("jobs-filter").value;
    try {
      const list = await read(`/api/scheduler/jobs?limit=${limit}${filter && `&status=${filter}`}`);
      say(at("jobs-error"), "");
      show(list, filter);
      const shown = list.jobs.map((job) => rows.get(job.id));
      const wondering = shown.filter((row) => row.wonders()).slice(0, page); // the others when their turn comes
      await Promise.all([...shown.filter((row) => row.open), ...wondering].map((row) => row.fill()));
    } catch (problem) {
      say(at("jobs-error"), problem.message);
    }
  }, 4000);

  function show(list, filter) {
    const body = at("jobs-rows");
    const seen = new Set(list.jobs.map((job) => job.id));
    for (const [id, row] of rows) {
      if (!seen.has(id)) {
        row.remove();
        rows.delete(id);
      }
    }
    let next = body.firstElementChild;
    for (const job of list.jobs) {
      if (!rows.has(job.id)) rows.set(job.id, newRow(() => poller.kick()));
      const row = rows.get(job.id);
      row.update(job);
      if (row.head !== next) body.insertBefore(row.head, next);
      if (row.head.nextElementSibling !== row.panel) body.insertBefore(row.panel, row.head.nextElementSibling);
      next = row.panel.nextElementSibling;
    }
    say(at("jobs-count"), filter ? `${count(list.filtered)} of ${count(list.total)}` : count(list.total));
    at("jobs-empty").hidden = list.jobs.length > 0 || filter !== "";
    at("jobs-more").hidden = list.jobs.length >= list.filtered || limit >= most;
  }

  at("jobs-filter").addEventListener("change", () => poller.kick());
  at("jobs-more").addEventListener("click", () => {
    limit = Math.min(most, limit * 2);
    poller.kick();
  });
  return poller;
}

let panels = 0;

function newRow(changed) {
  let job = null;
  const name = make("span", { class: "name" });
  const id = make("code", { class: "id" });
  const because = make("span", { class: "because" });
  const status = badge("");
  const level = make("td", { class: "wide" });
  const bar = make("progress", { max: 100, value: 0 });
  const share = make("span", { class: "share" });
  const device = make("td", { class: "wide" });
  const submitted = make("td", { class: "wide" });
  const toggle = make("button", { type: "button", class: "quiet", "aria-expanded": "false", "aria-controls": `job-${++panels}` }, "Details");
  const content = make("td", { colspan: 7 });
  const panel = make("tr", { class: "panel", id: `job-${panels}`, hidden: true }, content);
  const head = make("tr", {}, make("td", {}, name, id, because), make("td", {}, status), level,
    make("td", { class: "progress wide" }, bar, share), device, submitted, make("td", { class: "num" }, toggle));
  const row = {
    head, panel, open: false, asked: 0,
    wonders: () => !row.open && waits(job.status) && Date.now() - row.asked >= patience,
    update(next) {
      job = next;
      say(name, job.name);
      say(id, job.id);
      say(status, job.status);
      status.dataset.status = job.status;
      if (!waits(job.status)) say(because, "");
      say(level, job.sla);
      bar.value = job.progress;
      bar.setAttribute("aria-label", `Progress of ${job.name}`);
      say(share, `${Math.floor(job.progress)} %`);
      say(device, job.node ?? "–");
      say(submitted, ago(job.submitted));
      toggle.setAttribute("aria-label", `Details of ${job.name}`);
      say(toggle, row.open ? "Close" : waits(job.status) ? "Why?" : "Details");
    },
    async fill() {
      row.asked = Date.now();
      let detail;
      let array = null;
      try {
        detail = await read(`/api/scheduler/jobs/${encodeURIComponent(job.id)}`);
        if (row.open && detail.array) array = await read(`/api/scheduler/arrays/${encodeURIComponent(detail.array)}`);
      } catch (problem) {
        if (row.open && !content.firstChild) content.append(make("p", { class: "error" }, problem.message));
        return;
      }
      say(because, waits(detail.status) ? why(detail) : "");
      if (!row.open) return;
      const text = JSON.stringify([detail, array?.jobs]);
      if (text === row.shown) return; // nothing new: leave focus and selection where they are
      row.shown = text;
      const focus = content.contains(document.activeElement) ? document.activeElement.dataset.act : null;
      content.replaceChildren(panelOf(detail, array, changed));
      if (focus) content.querySelector(`[data-act="${focus}"]`)?.focus();
    },
    remove() {
      head.remove();
      panel.remove();
    },
  };
  toggle.addEventListener("click", async () => {
    row.open = !row.open;
    if (row.open) await row.fill();
    panel.hidden = !row.open;
    toggle.setAttribute("aria-expanded", String(row.open));
    row.update(job);
  });
  return row;
}

const waits = (status) => status === "pending" || status === "queued" || status === "paused" || status === "refused";
