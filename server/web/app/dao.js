// What those who stake decide: stakes by operator, proposals with their tallies, the figures of both.

import { ahead, at, count, fog, make, percent, poll, read, say, short } from "./dom.js";

const choices = ["for", "against", "veto", "abstain"];
const shown = 8; // operators and proposals on the page

/** Starts the panel; figures(stats) shows what the ledger counts. */
export function dao() {
  const list = poll(async () => {
    const [proposals, stakes] = await Promise.allSettled([read(`/api/tokenomics/proposals?limit=${shown}`), read("/api/tokenomics/pools?limit=1000")]);
    const failed = [proposals, stakes].find((r) => r.status === "rejected");
    say(at("dao-error"), failed ? failed.reason.message : "");
    if (proposals.value) showProposals(proposals.value.proposals);
    if (stakes.value) showStakes(stakes.value.pools);
  }, 5000);
  return { kick: list.kick, figures };
}

function figures(stats) {
  say(at("dao-staked"), short(stats.stakedTokens));
  say(at("dao-stakers"), count(stats.activeStakers));
  say(at("dao-apr"), `${percent(stats.stakingAPR)} %`);
  say(at("dao-treasury"), short(stats.dao.treasuryBalance));
  say(at("dao-voters"), count(stats.dao.totalVoters));
  say(at("dao-count"), stats.proposalsTotal === 0 ? "" : `${count(stats.proposalsActive)} of ${count(stats.proposalsTotal)} open for votes`);
}

function showProposals(list) {
  at("proposals-empty").hidden = list.length > 0;
  at("proposals-list").replaceChildren(...list.map(proposal));
}

function proposal(p) {
  const votes = { for: p.votesFor, against: p.votesAgainst, veto: p.votesVeto, abstain: p.votesAbstain };
  const meta = [`${p.kind.replaceAll("_", " ")} by ${p.proposer}`, ...p.actions.map(action)];
  return make("li", {},
    make("div", { class: "line" },
      make("span", { class: "name" }, p.title), make("span", { class: "badge", "data-status": p.status }, p.status)),
    make("p", { class: "muted meta" }, meta.join(" · ")),
    p.power > 0 && tally(p, votes),
    p.power > 0 && make("p", { class: "meta votes" }, ...cast(votes).map((choice) =>
      make("span", { "data-choice": choice }, `${short(votes[choice])} ${choice}`)), make("span", {}, quorum(p))),
    make("p", { class: "meta" }, deadline(p)));
}

const cast = (votes) => choices.filter((choice) => votes[choice] > 0);
const quorum = (p) => (p.quorate ? "quorum reached" : `${percent((100 * p.turnout) / p.quorum)} % of the quorum`);

function action({ set, pay }) {
  return set ? `${set.key} = ${JSON.stringify(set.value)}` : `pay ${fog(pay.amount)} FOG to ${pay.to}`;
}

/** A bar as long as all power, with a mark at the quorum. Widths are set by script: no inline style is allowed. */
function tally(p, votes) {
  const bar = make("div", { class: "tally", "aria-hidden": "true" }); // the line below says the same
  const whole = Math.max(p.power, choices.reduce((sum, choice) => sum + votes[choice], 0));
  for (const choice of cast(votes)) {
    const part = make("span", { "data-choice": choice });
    part.style.width = `${(100 * votes[choice]) / whole}%`;
    bar.append(part);
  }
  const mark = make("i", {});
  mark.style.left = `${Math.min(100, (100 * p.quorum) / whole)}%`;
  bar.append(mark);
  return bar;
}

/** What can be done to a proposal, and until when. */
function deadline(p) {
  const step = p.steps.find((s) => s.action !== "cancel");
  if (!step) return p.endedAt ? "" : "nothing to execute";
  const words = {
    deposit: `${fog(p.deposit - p.deposited)} FOG of its deposit are missing`, vote: "open for votes", queue: "can be queued", execute: "can be executed",
  };
  if (step.from && Date.parse(step.from) > Date.now()) return `${words[step.action]} in ${ahead(step.from)}`;
  return step.until ? `${words[step.action]}, ${ahead(step.until)} left` : words[step.action];
}

function showStakes(pools) {
  const live = pools.filter((pool) => pool.staked > 0).sort((a, b) => b.staked - a.staked);
  const all = live.reduce((sum, pool) => sum + pool.staked, 0);
  at("stakes-empty").hidden = live.length > 0;
  say(at("stakes-count"), live.length === 0 ? "" : `${count(live.length)} ${live.length === 1 ? "operator" : "operators"}`);
  const rest = live.slice(shown);
  const bars = live.slice(0, shown).map((pool) => stake(pool.operator, pool.staked, all, live[0].staked, pool.slashes.length));
  if (rest.length > 0) bars.push(stake(`${count(rest.length)} others`, rest.reduce((sum, pool) => sum + pool.staked, 0), all, live[0].staked, 0));
  at("stakes-list").replaceChildren(...bars);
}

function stake(name, staked, all, most, slashes) {
  const bar = make("span", { class: "fill" });
  bar.style.width = `${Math.min(100, (100 * staked) / most)}%`;
  return make("li", {},
    make("div", { class: "line" }, make("span", { class: "name" }, name),
      slashes > 0 && make("span", { class: "badge", "data-status": "failed" }, `${slashes} ${slashes === 1 ? "slash" : "slashes"} open`),
      make("span", { class: "amount" }, short(staked), " ", make("span", { class: "muted" }, `${percent((100 * staked) / all)} %`))),
    make("div", { class: "rail", "aria-hidden": "true" }, bar));
}
