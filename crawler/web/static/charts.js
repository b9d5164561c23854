// Draws the curves a page brings as numbers; without this the page's own small drawings stay.
(() => {
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();
  const axis = (label, more) => ({ label, labelSize: 18, labelFont: "12px system-ui", labelGap: 0, stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui", size: 28, ...more });
  // what the legend says: the numbers under the pointer, else those of one place
  const told = (place, say) => (chart, value, series) => { const found = value ?? chart.data[series].at(place(chart)); return found == null ? "–" : say(found); };
  const latest = () => -1, inForce = () => Math.round(Number(document.querySelector(".slider")?.dataset.now) * 100);
  const whole = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
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
        { label: "pages", value: told(latest, whole) },
        { label: "per 100 pages", scale: "%", stroke: color("--accent"), width: 2, fill: color("--accent-soft"), points: { show: false }, value: told(latest, (n) => n.toFixed(1)) },
        { label: "in all", scale: "n", stroke: color("--warm"), width: 1, dash: [5, 4], points: { show: false }, value: told(latest, whole) },
      ],
      scales: { x: { time: false }, "%": { range: (_, lowest, highest) => [0, Math.max(5, highest * 1.1)] }, n: { range: (_, lowest, highest) => [0, Math.max(5, highest * 1.1)] } },
      axes: [axis("pages fetched", { values: (_, vs) => vs.map(whole) }), axis("matches per 100 pages", { scale: "%", size: 34 }), axis("matches in all", { scale: "n", side: 1, size: 40, grid: { show: false }, values: (_, vs) => vs.map(whole) })],
    }),
    thresholds: () => ({
      series: [{ label: "threshold", value: told(inForce, (n) => n.toFixed(2)) }, { label: "keeps", stroke: color("--accent"), width: 2, fill: color("--accent-soft"), points: { show: false }, value: told(inForce, whole) }],
      scales: { x: { time: false }, y: { range: (_, lowest, highest) => [0, Math.max(1, highest * 1.05)] } },
      axes: [axis("threshold", {}), axis("articles kept", { size: 48, values: (_, vs) => vs.map(whole) })],
      hooks: { draw: [(chart) => mark(chart, Number(document.querySelector(".slider")?.dataset.now))] },
    }),
  };
  const size = (place) => ({ width: Math.max(240, place.clientWidth), height: 236 });
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
    const say = () => {
      const at = Math.round((Number(input.value) || Number(slider.dataset.now)) * 100);
      said.textContent = `a threshold of ${(at / 100).toFixed(2)} keeps ${whole(curve[at])} of ${whole(curve[0])} judged`;
    };
    input.addEventListener("input", say);
    say();
  }
})();
