// Small charts of the last minutes, drawn by uPlot.

const widest = 300; // seconds shown at most
const narrowest = 60;
const gap = 4; // seconds without a frame that interrupt a line

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart in an element. Series are {label, colour, fill}; add(time, values) appends one point. */
export function chart(element, series, { least = 4, whole = true, format = String, height = 132 } = {}) {
  const data = [[], ...series.map(() => [])];
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  const axis = { stroke: () => css("--muted"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const plot = new uPlot(
    {
      width: element.clientWidth || 300,
      height,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, range: () => visible(data[0]) },
        y: { range: (_, __, most) => [0, Math.max(least, most * 1.15)] },
      },
      axes: [
        { ...axis, size: 22, grid: { show: false }, space: 70, values: (_, times) => times.map(clock) },
        {
          ...axis, size: 46, space: 36, incrs: whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] : undefined,
          grid: { stroke: () => css("--line"), width: 1 }, values: (_, values) => values.map(format),
        },
      ],
      series: [
        {},
        ...series.map(({ label, colour, fill }) => ({
          label, width: 2, points: { show: false }, stroke: () => css(colour), fill: fill ? () => css(fill) : undefined,
        })),
      ],
      hooks: { setCursor: [(u) => tell(u)] },
    },
    data,
    element,
  );
  plot.over.append(tip);

  function tell(u) {
    const i = u.cursor.idx;
    if (!tip.isConnected) return;
    tip.hidden = i == null || u.cursor.left < 0 || data[1][i] == null;
    if (tip.hidden) return;
    tip.textContent = [clock(data[0][i], true), ...series.map(({ label }, s) => `${label} ${format(data[s + 1][i])}`)].join(" · ");
    tip.classList.toggle("left", u.cursor.left > u.over.clientWidth / 2);
  }

  new ResizeObserver(() => {
    if (element.clientWidth) plot.setSize({ width: element.clientWidth, height });
  }).observe(element);

  return {
    add(time, values) {
      const last = data[0].at(-1);
      if (last !== undefined && time <= last) return;
      if (last !== undefined && time - last > gap) {
        data[0].push(last + 1);
        series.forEach((_, s) => data[s + 1].push(null));
      }
      data[0].push(time);
      series.forEach((_, s) => data[s + 1].push(values[s]));
      while (data[0][0] < time - widest - 10) data.forEach((column) => column.shift());
      plot.setData(data);
    },
    repaint: () => plot.redraw(false, true),
  };
}

/** The time span to show: as long as there is something to see, between one and five minutes. */
function visible(times) {
  const end = times.at(-1) ?? Date.now() / 1000;
  const shown = Math.min(widest, Math.max(narrowest, end - (times[0] ?? end)));
  return [end - shown, end];
}

function clock(time, seconds = false) {
  return new Date(time * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });
}
