// The panel of one job: why it waits, what happened and what came out.

import { call, count, fog, make, say, span } from "./dom.js";

const ended = new Set(["completed", "failed", "cancelled", "refused", "expired"]);

/** A badge for a status word. */
export const badge = (status) => make("span", { class: "badge", "data-status": status }, status);

/** Why a job waits, in one sentence. */
export const why = (job) => job.waiting[0]?.text || job.reason;

/** The panel of a job and, where it has one, its array. changed() is called after the job was changed here. */
export function panelOf(job, array, changed) {
  const parts = [];
  if (job.waiting.length) {
    parts.push(make("div", { class: "why" }, make("h3", {}, "Why it waits"), make("ul", {}, ...job.waiting.map((reason) =>
      make("li", {}, reason.text, reason.nodes > 0 && make("span", { class: "muted" }, ` (${count(reason.nodes)} ${reason.nodes === 1 ? "device" : "devices"})`))))));
  } else if (job.reason) {
    parts.push(make("p", { class: "why" }, job.reason));
  }
  parts.push(facts(job, array));
  if (job.result) parts.push(result(job.result));
  if (job.attempts.length) parts.push(attempts(job.attempts));
  parts.push(history(job.logs));
  if (!ended.has(job.status)) parts.push(actions(job, changed));
  return make("div", { class: "detail" }, ...parts);
}

function facts(job, array) {
  const pairs = [
    ["State", job.state], ["Level", job.sla], ["Needs", `${job.cpu} ${job.cpu === 1 ? "core" : "cores"}, ${job.memory} GB${job.gpu ? `, ${job.gpu} GPU` : ""}`],
    ["Trust", job.trust], ["Price", `${fog(job.price)} FOG a replica, ${fog(job.quote)} held`], ["Paid by", job.owner],
    ["Progress", `${Math.floor(job.progress)} %`], ["Submitted", new Date(job.submitted).toLocaleString("en-GB")], ["Device", job.node ?? "none yet"],
  ];
  if (job.estimatedStartTime) pairs.push(["Should start", new Date(job.estimatedStartTime).toLocaleString("en-GB")]);
  if (job.completed) pairs.push(["Took", span((Date.parse(job.completed) - Date.parse(job.submitted)) / 1000)]);
  if (array) pairs.push(["Array", `${count(job.index + 1)} of ${count(array.count)}, ${count(array.jobs.completed)} completed, ${count(array.jobs.running)} running`]);
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
    `Replica ${a.slot + 1} on ${a.node}: `, badge(a.status), a.reason && ` ${a.reason}`,
    !a.ended && a.evictAt && ` makes room at ${new Date(a.evictAt).toLocaleTimeString("en-GB")}`))));
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
