// The table of jobs, with a panel for each job that says why it waits, what happened and what came out.

import { ago, at, call, count, fog, make, poll, read, say, span } from "./dom.js";

const page = 10;
const most = 200;
const ended = new Set(["completed", "failed", "cancelled", "refused", "expired"]);

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
      await Promise.all([...rows.values()].filter((row) => row.open).map((row) => row.fill()));
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

/** A badge for a status word. */
export const badge = (status) => make("span", { class: "badge", "data-status": status }, status);

let panels = 0;

function newRow(changed) {
  let job = null;
  const name = make("span", { class: "name" });
  const id = make("code", { class: "id" });
  const status = badge("");
  const level = make("td", { class: "wide" });
  const bar = make("progress", { max: 100, value: 0 });
  const share = make("span", { class: "share" });
  const device = make("td", { class: "wide" });
  const submitted = make("td", { class: "wide" });
  const toggle = make("button", { type: "button", class: "quiet", "aria-expanded": "false", "aria-controls": `job-${++panels}` }, "Details");
  const content = make("td", { colspan: 7 });
  const panel = make("tr", { class: "panel", id: `job-${panels}`, hidden: true }, content);
  const head = make("tr", {}, make("td", {}, name, id), make("td", {}, status), level,
    make("td", { class: "progress wide" }, bar, share), device, submitted, make("td", { class: "num" }, toggle));
  const row = {
    head, panel, open: false,
    update(next) {
      job = next;
      say(name, job.name);
      say(id, job.id);
      say(status, job.status);
      status.dataset.status = job.status;
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
      let detail;
      try {
        detail = await read(`/api/scheduler/jobs/${encodeURIComponent(job.id)}`);
      } catch (problem) {
        if (!content.firstChild) content.append(make("p", { class: "error" }, problem.message));
        return;
      }
      const text = JSON.stringify(detail);
      if (text === row.shown) return; // nothing new: leave focus and selection where they are
      row.shown = text;
      const focus = content.contains(document.activeElement) ? document.activeElement.dataset.act : null;
      content.replaceChildren(describe(detail, changed));
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

/** The panel of one job. */
function describe(job, changed) {
  const parts = [];
  if (job.waiting.length) {
    parts.push(make("div", { class: "why" }, make("h3", {}, "Why it waits"), make("ul", {}, ...job.waiting.map((reason) =>
      make("li", {}, reason.text, reason.nodes > 0 && make("span", { class: "muted" }, ` (${count(reason.nodes)} ${reason.nodes === 1 ? "device" : "devices"})`))))));
  } else if (job.reason) {
    parts.push(make("p", { class: "why" }, job.reason));
  }
  parts.push(facts(job));
  if (job.result) parts.push(result(job.result));
  if (job.attempts.length) parts.push(attempts(job.attempts));
  parts.push(history(job.logs));
  if (!ended.has(job.status)) parts.push(actions(job, changed));
  return make("div", { class: "detail" }, ...parts);
}

function facts(job) {
  const pairs = [
    ["State", job.state], ["Level", job.sla], ["Needs", `${job.cpu} ${job.cpu === 1 ? "core" : "cores"}, ${job.memory} GB${job.gpu ? `, ${job.gpu} GPU` : ""}`],
    ["Trust", job.trust], ["Price", `${fog(job.price)} FOG a replica, ${fog(job.quote)} held`], ["Paid by", job.owner],
    ["Progress", `${Math.floor(job.progress)} %`], ["Submitted", new Date(job.submitted).toLocaleString("en-GB")], ["Device", job.node ?? "none yet"],
  ];
  if (job.completed) pairs.push(["Took", span((Date.parse(job.completed) - Date.parse(job.submitted)) / 1000)]);
  return make("dl", { class: "facts" }, ...pairs.map(([term, text]) => make("div", {}, make("dt", {}, term), make("dd", {}, text))));
}

function result(r) {
  const out = decode(r.stdout);
  const err = decode(r.stderr);
  return make("div", {}, make("h3", {}, "Result"),
    make("p", {}, `Exit code ${r.exitCode}, ${span(r.cpuSeconds)} of CPU in ${span(r.wallSeconds)}.`),
    r.outputs.length > 0 && make("ul", {}, ...r.outputs.map((file) => make("li", {},
      make("a", { href: `/api/blobs/${encodeURIComponent(file.sha256)}`, download: file.path.split("/").pop() }, file.path), ` ${count(file.bytes)} bytes`))),
    out && make("pre", { tabindex: 0, "aria-label": "Standard output" }, out),
    err && make("pre", { tabindex: 0, "aria-label": "Standard error" }, err));
}

/** Text of base64, at most 4,000 characters of it. */
function decode(base64) {
  if (!base64) return "";
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  return text.length > 4000 ? `${text.slice(0, 4000)}\n… (${count(text.length - 4000)} more characters)` : text;
}

function attempts(list) {
  return make("div", {}, make("h3", {}, "Attempts"), make("ul", {}, ...list.map((a) => make("li", {},
    `Replica ${a.slot + 1} on ${a.node}: `, badge(a.status), a.reason && ` ${a.reason}`))));
}

function history(lines) {
  return make("div", {}, make("h3", {}, "History"), make("ol", { class: "log" }, ...lines.map((line) => {
    const space = line.indexOf(" ");
    const time = new Date(line.slice(0, space));
    return make("li", {}, make("time", { datetime: line.slice(0, space) }, time.toLocaleTimeString("en-GB")), ` ${line.slice(space + 1)}`);
  })));
}

function actions(job, changed) {
  const error = make("span", { class: "error", role: "alert" });
  const change = (method, json) => async () => {
    try {
      await call(`/api/scheduler/jobs/${encodeURIComponent(job.id)}`, { method, json });
      changed();
    } catch (problem) {
      say(error, problem.message);
    }
  };
  const paused = job.status === "paused";
  return make("p", { class: "actions" },
    make("button", { type: "button", "data-act": "pause", onclick: change("PATCH", { status: paused ? "resume" : "pause" }) }, paused ? "Resume" : "Pause"),
    make("button", { type: "button", "data-act": "cancel", class: "danger", onclick: change("DELETE") }, "Cancel job"), error);
}
