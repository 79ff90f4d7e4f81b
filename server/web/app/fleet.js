// Devices with their reasons, and what they were paid.

import { ago, at, count, fog, make, poll, read, say, short, span } from "./dom.js";

const words = {
  harvesting: "works on a job", idle: "waits for work", active: "used by its owner", registered: "has not beaten yet",
  draining: "finishes its work", lost: "silent", offline: "said goodbye", revoked: "banned",
};

/** Starts the list of devices. */
export function devices() {
  return poll(async () => {
    try {
      const list = await read("/api/idle-compute/devices?limit=60");
      say(at("devices-error"), "");
      say(at("devices-count"), count(list.total));
      at("devices-empty").hidden = list.devices.length > 0;
      at("devices-list").replaceChildren(...list.devices.map(device));
    } catch (problem) {
      say(at("devices-error"), problem.message);
    }
  }, 5000);
}

function device(d) {
  const meta = [`${d.cpu} ${d.cpu === 1 ? "core" : "cores"}`, `${short(Math.round(d.memory / 102.4) / 10)} GB`];
  if (d.battery != null) meta.push(`battery ${Math.round(d.battery)} %${d.charging ? ", charging" : ""}`);
  if (d.temperature != null) meta.push(`${Math.round(d.temperature)} °C`);
  meta.push(`${count(d.tasksCompleted)} done, ${span(d.cpuContribution)} CPU`);
  const alive = ["harvesting", "idle", "active", "draining"].includes(d.status);
  if (!alive) meta.push(`last seen ${ago(d.lastSeen)}`);
  return make("li", {},
    make("div", { class: "line" },
      make("span", { class: "name" }, d.name || d.id), make("span", { class: "muted" }, d.type + (d.platform ? ` · ${d.platform}` : "")),
      make("span", { class: "badge", "data-status": d.status, title: words[d.status] ?? d.status }, d.status)),
    make("p", { class: "muted meta" }, meta.join(" · ")),
    d.reasons.length > 0 && make("ul", { class: "reasons", "aria-label": "Why it is not harvested" }, ...d.reasons.map((r) => make("li", {}, r.text))));
}

/** Starts the list of payouts and the token figures; onLedger gets what the ledger counts. */
export function payouts(onLedger) {
  return poll(async () => {
    const [work, ledger, balance, idle] = await Promise.allSettled([
      read("/api/idle-compute/contributions?limit=12"), read("/api/tokenomics/stats"), read("/api/tokenomics/balance"),
      read("/api/idle-compute/stats"),
    ]);
    const failed = [work, ledger, balance].find((r) => r.status === "rejected");
    say(at("payouts-error"), failed ? failed.reason.message : "");
    if (work.value) showWork(work.value.contributions);
    if (ledger.value) {
      say(at("tokens-paid"), fog(ledger.value.marketplace.totalVolume));
      say(at("payouts-count"), `${fog(ledger.value.marketplace.totalVolume)} FOG`);
      onLedger(ledger.value);
    }
    if (balance.value) say(at("tokens-balance"), fog(balance.value.balance));
    if (idle.value) say(at("devices-cpu"), span(idle.value.harvestMetrics.totalComputeHours * 3600));
  }, 5000);
}

function showWork(list) {
  at("payouts-empty").hidden = list.length > 0;
  at("payouts-rows").replaceChildren(...list.map((c) => make("tr", {},
    make("td", { class: "nowrap" }, ago(c.at)), make("td", {}, c.account), make("td", { class: "wide" }, make("code", { class: "id", title: c.job }, c.job.slice(-8))),
    make("td", { class: "num nowrap wide" }, span(c.cpuSeconds)), make("td", { class: "num" }, fog(c.amount)))));
}
