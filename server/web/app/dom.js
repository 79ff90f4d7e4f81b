// Small helpers. Whatever comes from the server is put into the page as text, never as HTML.

/** The element with an id of this page. */
export const at = (id) => document.getElementById(id);

/** make("td", {class: "num"}, "text", child) creates an element. Property names with "on" are listeners. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/** Sets a text only when it changed, so that selections and screen readers are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Calls the interface. Errors carry the sentence of the server's problem. */
export async function call(path, options = {}) {
  const { json, ...rest } = options;
  if (json !== undefined) {
    rest.body = JSON.stringify(json);
    rest.headers = { "Content-Type": "application/json", ...rest.headers };
  }
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(15000), ...rest });
  } catch {
    throw Object.assign(new Error("The server does not answer."), { status: 0 });
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    const sentence = String(problem.detail || `The server answered with ${answer.status}.`);
    throw Object.assign(new Error(sentence), { status: answer.status });
  }
  return answer;
}

/** The JSON that a GET returns. */
export const read = async (path) => (await call(path, { headers: { Accept: "application/json" } })).json();

const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const amounts = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });
const shorts = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

const shares = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const percent = (n) => shares.format(n ?? 0);
export const count = (n) => counts.format(n ?? 0);
export const fog = (n) => amounts.format(n ?? 0);
export const short = (n) => (Math.abs(n) >= 1e5 ? shorts.format(n) : amounts.format(n ?? 0));

/** A number of seconds for people: 0.42 s, 12 s, 3 min, 5 h, 2 d. */
export function span(seconds) {
  const s = Math.max(0, seconds);
  if (s < 9.95) return `${s.toFixed(s < 1 ? 2 : 1)} s`;
  if (s < 99.5) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

/** How long ago a time of the server was. */
export function ago(time) {
  if (!time) return "never";
  const s = (Date.now() - Date.parse(time)) / 1000;
  if (s < 2) return "just now";
  return s < 10 ? `${Math.floor(s)} s ago` : `${span(s)} ago`;
}

/** How long it is until a time of the server. */
export const ahead = (time) => span((Date.parse(time) - Date.now()) / 1000);

/** Runs a task now, then so many milliseconds after it ended, but not while the page is hidden. kick() runs it soon. */
export function poll(task, pause) {
  let timer = 0;
  let busy = false;
  let again = false;
  const run = async () => {
    clearTimeout(timer);
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await task();
    } finally {
      busy = false;
      timer = setTimeout(run, again ? 250 : pause);
      again = false;
      if (document.hidden) clearTimeout(timer);
    }
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) run();
  });
  run();
  return { kick: run };
}
