// What the search for better plans does.

import { at, count, percent, poll, read, say } from "./dom.js";

/** Starts the panel. */
export function plans() {
  return poll(async () => {
    try {
      const { nsga, performance } = await read("/api/scheduler/stats");
      say(at("plans-error"), "");
      say(at("plans-searches"), count(nsga.searches));
      say(at("plans-moves"), count(nsga.moves));
      say(at("plans-front"), count(nsga.paretoFront));
      say(at("plans-gain"), `${percent(nsga.convergenceRate)} %`);
      say(at("plans-time"), `${percent(performance.avgPlacementTime)} ms`);
    } catch (problem) {
      say(at("plans-error"), problem.message);
    }
  }, 5000);
}
