// The dashboard: figures from the metrics feed, lists from the interface.

import { at, count, make, poll, read, say, short } from "./dom.js";
import { chart } from "./charts.js";
import { dao } from "./dao.js";
import { devices, payouts } from "./fleet.js";
import { follow } from "./feed.js";
import { jobs } from "./jobs.js";
import { market, movements } from "./ledger.js";
import { plans } from "./plans.js";
import { sample } from "./sample.js";

const charts = {
  jobs: chart(at("chart-jobs"), [
    { label: "running", colour: "--accent", fill: "--accent-soft" }, { label: "waiting", colour: "--second" },
  ]),
  devices: chart(at("chart-devices"), [
    { label: "harvesting", colour: "--accent", fill: "--accent-soft" }, { label: "enrolled", colour: "--second" },
  ]),
  tokens: chart(at("chart-tokens"), [{ label: "paid", colour: "--third", fill: "--third-soft" }], { least: 0.001, whole: false, format: short }),
};

let paid = null; // FOG, as last read
const jobTable = jobs();
const deviceList = devices();
const planPanel = plans();
const daoPanel = dao();
const movementList = movements();
const prices = market();
const payoutList = payouts((ledger) => {
  paid = ledger.marketplace.totalVolume;
  daoPanel.figures(ledger);
  prices.show(ledger.marketplace.prices, ledger.marketplace.activeListings);
});
sample(() => jobTable.kick());

let before = "";
let beforeDevices = "";
let stakers = 0;
let settled = 0;

function show(frame) {
  const { scheduler, idle_compute: idle, tokenomics } = frame;
  const time = Date.parse(frame.timestamp) / 1000;
  say(at("jobs-running"), count(scheduler.running));
  say(at("jobs-pending"), count(scheduler.pending));
  say(at("jobs-total"), count(scheduler.total));
  say(at("devices-harvesting"), count(idle.harvesting));
  say(at("devices-total"), count(idle.total_devices));
  say(at("tokens-supply"), short(tokenomics.total_supply));
  charts.jobs.add(time, [scheduler.running, scheduler.pending]);
  charts.devices.add(time, [idle.harvesting, idle.total_devices]);
  if (paid !== null) charts.tokens.add(time, [paid]);
  prices.tick(time);
  say(document.querySelector("title"), scheduler.running > 0 ? `${count(scheduler.running)} running – Fog Compute` : "Fog Compute");

  // The lists are asked for again when a figure that they show has moved.
  const now = `${scheduler.running} ${scheduler.pending} ${scheduler.total}`;
  if (now !== before || scheduler.running > 0) jobTable.kick();
  if (now !== before) {
    clearTimeout(settled); // payments follow a result within moments
    settled = setTimeout(() => [payoutList, deviceList, planPanel, movementList].forEach((list) => list.kick()), 700);
  }
  const nowDevices = `${idle.harvesting} ${idle.total_devices}`;
  if (nowDevices !== beforeDevices) deviceList.kick();
  if (tokenomics.stakers !== stakers) daoPanel.kick();
  stakers = tokenomics.stakers;
  [before, beforeDevices] = [now, nowDevices];
}

const states = {
  connecting: "Connecting", live: "Live", waiting: "Connection lost, trying again", offline: "No network",
};

const feed = follow(document.body.dataset.feed, show, (state, seconds) => {
  at("live").dataset.state = state;
  say(at("live-text"), states[state]); // read aloud when it changes; the seconds are not
  say(at("live-wait"), state === "waiting" ? `in ${seconds} s` : "");
  at("live-retry").hidden = state !== "waiting" && state !== "offline";
});
at("live-retry").addEventListener("click", () => feed.now());

// What is not well, in the server's own words.
poll(async () => {
  const notice = at("notice");
  let bad = [];
  try {
    const health = await read("/health");
    bad = health.parts.filter((part) => part.status === "degraded" || part.status === "unavailable");
  } catch {
    notice.hidden = true; // the connection's own state tells it
    return;
  }
  notice.hidden = bad.length === 0;
  notice.replaceChildren(...bad.map((part) => make("p", {}, make("strong", {}, `${part.name} is ${part.status}: `), part.cause || "no cause given")));
}, 15000);

// Theme: the system's, or light or dark as chosen.
const order = ["auto", "light", "dark"];
const root = document.documentElement;
const tellTheme = () => say(at("theme"), `Theme: ${root.dataset.theme ?? "auto"}`);
at("theme").addEventListener("click", () => {
  const next = order[(order.indexOf(root.dataset.theme ?? "auto") + 1) % order.length];
  if (next === "auto") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
  tellTheme();
  recolour();
});
tellTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

function recolour() {
  [...Object.values(charts), prices].forEach((c) => c.repaint());
  window.dispatchEvent(new Event("theme"));
}
