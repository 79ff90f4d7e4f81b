// The latest movements of the ledger, and what the market asks for.

import { ago, at, count, fog, make, poll, read, say } from "./dom.js";
import { chart } from "./charts.js";

const rows = 10;

const words = {
  genesis: "minted", hold: "held", capture: "paid", void: "given back", expire: "given back", transfer: "transferred", burn: "burned",
  stake: "staked", unstake: "unstaked", cancel_unstake: "staked again", mature: "paid back", redelegate: "moved to another operator",
  release: "redelegation over", delegate: "delegated", claim: "claimed", compound: "compounded", slash: "accused", appeal: "appealed",
  dismiss: "dismissed", uphold: "upheld", expel: "slashed", cut: "slashed", propose: "proposed", deposit: "deposited", vote: "voted",
  queue: "queued", execute: "executed", cancel: "cancelled", turn: "proposal went on", lapse: "emergency over", emit: "minted",
};

/** Starts the list of movements. */
export function movements() {
  return poll(async () => {
    try {
      const { next } = await read("/api/tokenomics/movements");
      const list = await read(`/api/tokenomics/movements?after=${Math.max(0, next - rows)}`);
      say(at("ledger-error"), "");
      say(at("ledger-count"), `${count(list.next)} ${list.next === 1 ? "movement" : "movements"}`);
      at("ledger-empty").hidden = list.movements.length > 0;
      at("ledger-rows").replaceChildren(...list.movements.reverse().map(movement));
    } catch (problem) {
      say(at("ledger-error"), problem.message);
    }
  }, 5000);
}

function movement(m) {
  const into = m.postings.filter((p) => p.amount > 0);
  const others = [...new Set(into.map((p) => p.account))].filter((account) => account !== m.owner);
  const amount = into.reduce((sum, p) => sum + p.amount, 0);
  const about = [m.detail?.choice, m.detail?.motion?.title, m.memo].filter(Boolean).join(": ");
  return make("tr", {},
    make("td", { class: "nowrap" }, ago(m.at)), make("td", { class: "nowrap" }, words[m.op] ?? m.op),
    make("td", {}, [m.owner, ...others].join(" → "), about !== "" && make("span", { class: "about" }, about)),
    make("td", { class: "num nowrap" }, amount > 0 ? fog(amount) : "–"));
}

const hour = 3600;
const goods = [
  { id: "core", price: (p) => p.cpuSecond * hour, colour: "--accent", fill: "--accent-soft" },
  { id: "gpu", price: (p) => p.gpuSecond * hour, colour: "--second", fill: "--info-soft" },
  { id: "memory", price: (p) => p.memoryGbSecond * hour, colour: "--third", fill: "--third-soft" },
];

/** Starts the charts of prices: show(prices) takes what the market asks for, tick(time) draws it. */
export function market() {
  let prices = null;
  const charts = goods.map(({ id, colour, fill }) =>
    chart(at(`chart-${id}`), [{ label: "FOG", colour, fill }], { least: 0.001, whole: false, format: fog, height: 92 }));
  return {
    show(asked, listings) {
      prices = goods.map(({ price }) => price(asked));
      goods.forEach(({ id }, i) => say(at(`price-${id}`), fog(prices[i])));
      say(at("market-count"), listings === 0 ? "no node offers room" : `${count(listings)} ${listings === 1 ? "node offers" : "nodes offer"} room`);
    },
    tick(time) {
      if (prices) charts.forEach((c, i) => c.add(time, [prices[i]]));
    },
    repaint: () => charts.forEach((c) => c.repaint()),
  };
}
