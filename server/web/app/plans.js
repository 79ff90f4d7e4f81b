// What the search for better plans does.

import { at, count, poll, read, say } from "./dom.js";

const percent = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** Starts the panel. */
export function plans() {
  return poll(async () => {
    try {
      const { nsga, performance } = await read("/api/scheduler/stats");
      say(at("plans-error"), "");
      say(at("plans-searches"), count(nsga.searches));
      say(at("plans-moves"), count(nsga.moves));
      say(at("plans-front"), count(nsga.paretoFront));
      say(at("plans-gain"), `${percent.format(nsga.convergenceRate)} %`);
      say(at("plans-time"), `${percent.format(performance.avgPlacementTime)} ms`);
    } catch (problem) {
      say(at("plans-error"), problem.message);
    }
  }, 5000);
}
