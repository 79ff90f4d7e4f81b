// The metrics feed: one WebSocket that comes back by itself.

const first = 500; // pause before the first reconnection, milliseconds; doubled each time
const longest = 15000;
const silence = 5000; // frames come every second: without any for so long, the connection is dead

/**
 * Keeps a connection to the metrics feed. onFrame gets each frame; onState gets "connecting", "live", "waiting"
 * (with the seconds left) or "offline".
 */
export function follow(path, onFrame, onState) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let pause = first;
  let watchdog = 0;
  let timer = 0;

  function connect() {
    clearInterval(timer);
    if (socket) return;
    onState("connecting");
    socket = new WebSocket(url);
    const mine = socket;
    const lost = () => {
      if (socket !== mine) return;
      socket = null;
      clearTimeout(watchdog);
      retryLater();
    };
    const expect = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        mine.close();
        lost(); // a dead connection reports its end only much later
      }, silence);
    };
    expect();
    mine.addEventListener("message", (event) => {
      if (socket !== mine) return;
      expect();
      let frame;
      try {
        frame = JSON.parse(event.data);
      } catch {
        return;
      }
      if (frame.type !== "metrics_update") return;
      pause = first;
      onState("live");
      onFrame(frame);
    });
    mine.addEventListener("close", lost);
  }

  function retryLater() {
    if (!navigator.onLine && !isLocal(url.hostname)) {
      onState("offline");
      return;
    }
    // The spread keeps all browsers from coming back in the same moment.
    const due = Date.now() + pause * (0.7 + 0.6 * Math.random());
    pause = Math.min(longest, pause * 2);
    const tick = () => {
      const left = due - Date.now();
      if (left <= 0) connect();
      else onState("waiting", Math.ceil(left / 1000));
    };
    tick();
    clearInterval(timer);
    if (!socket) timer = setInterval(tick, 250);
  }

  function now() {
    pause = first;
    connect();
  }
  addEventListener("online", now);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) now();
  });
  connect();
  return { now };
}

const isLocal = (host) => host === "localhost" || host === "[::1]" || host.startsWith("127.");
