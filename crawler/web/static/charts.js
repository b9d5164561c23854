// Draws the curves a page brings as numbers; without this the page's own small drawings stay.
(() => {
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();
  const axis = (more) => ({ stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui", ...more });
  // a dashed line where the threshold in force is
  const mark = (chart, at) => {
    if (!at) return;
    const x = chart.valToPos(at, "x", true), { top, height } = chart.bbox, ctx = chart.ctx;
    ctx.save();
    ctx.strokeStyle = color("--warm");
    ctx.setLineDash([6, 4]);
    ctx.beginPath(); ctx.moveTo(x, top); ctx.lineTo(x, top + height); ctx.stroke();
    ctx.restore();
  };
  const kinds = {
    harvest: () => ({
      series: [
        { label: "pages" },
        { label: "harvest", scale: "%", stroke: color("--accent"), width: 2, fill: color("--accent-soft"), value: (_, v) => (v == null ? "–" : `${v.toFixed(1)} in 100 pages`) },
        { label: "matches", scale: "n", stroke: color("--warm"), width: 1, dash: [5, 4] },
      ],
      scales: { x: { time: false }, "%": { range: (_, lowest, highest) => [0, Math.max(5, highest * 1.1)] }, n: { range: (_, lowest, highest) => [0, Math.max(5, highest * 1.1)] } },
      axes: [axis({ values: (_, vs) => vs.map((v) => v.toLocaleString("en")) }), axis({ scale: "%", size: 44, values: (_, vs) => vs.map((v) => `${v} %`) }), axis({ scale: "n", side: 1, size: 44, grid: { show: false } })],
    }),
    thresholds: () => ({
      series: [{ label: "threshold", value: (_, v) => (v == null ? "–" : v.toFixed(2)) }, { label: "kept", stroke: color("--accent"), width: 2, fill: color("--accent-soft") }],
      scales: { x: { time: false }, y: { range: (_, lowest, highest) => [0, Math.max(1, highest * 1.05)] } },
      axes: [axis({}), axis({ size: 56 })],
      hooks: { draw: [(chart) => mark(chart, Number(document.querySelector(".slider")?.dataset.now))] },
    }),
  };
  const size = (place) => ({ width: Math.max(240, place.clientWidth), height: 210 });
  const draw = (place, numbers) => {
    const held = drawn.get(place);
    if (held) { held.setData(numbers); return; }
    const svg = place.querySelector("svg");
    const chart = new uPlot({ ...kinds[place.dataset.chart](), ...size(place), cursor: { points: { size: 6 } }, padding: [8, 4, 0, 0] }, numbers, place);
    svg?.remove();
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", svg?.getAttribute("aria-label") ?? place.dataset.chart);
    drawn.set(place, chart);
  };
  const drawAll = () => { for (const place of document.querySelectorAll("[data-chart]")) draw(place, JSON.parse(place.dataset.numbers)); };
  document.addEventListener("numbers", (event) => { const { place, numbers } = event.detail; place.dataset.numbers = JSON.stringify(numbers); draw(place, numbers); });
  addEventListener("resize", () => { for (const [place, chart] of drawn) chart.setSize(size(place)); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const [place, chart] of drawn) { chart.destroy(); drawn.delete(place); } drawAll(); });
  drawAll();

  // the slider says what another threshold would keep
  const slider = document.querySelector(".slider[data-curve]");
  if (slider) {
    const curve = JSON.parse(slider.dataset.curve), input = slider.querySelector("input"), said = slider.querySelector("output");
    const thin = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
    const say = () => {
      const at = Math.round((Number(input.value) || Number(slider.dataset.now)) * 100);
      said.textContent = `a threshold of ${(at / 100).toFixed(2)} keeps ${thin(curve[at])} of ${thin(curve[0])} judged`;
    };
    input.addEventListener("input", say);
    say();
  }
})();
