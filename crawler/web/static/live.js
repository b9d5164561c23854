// Keeps what is live up to date: parts of the page, made by the server, put where they belong when they change.
// A hidden tab lets go of its connection; browsers grant a host few.
(() => {
  const main = document.querySelector("[data-live]");
  if (!main) return;
  let source = null;
  const put = (id, part) => {
    const place = document.getElementById(id);
    if (!place) return;
    if (place.dataset.chart) { document.dispatchEvent(new CustomEvent("numbers", { detail: { place, numbers: JSON.parse(part) } })); return; }
    if (id === "harvest") { location.reload(); return; } // the first points of a curve
    const before = new Set([...place.querySelectorAll("a[data-open]")].map((a) => a.getAttribute("href")));
    const chosen = place.querySelector("[aria-current=true] a[data-open]")?.getAttribute("href");
    place.innerHTML = part;
    for (const a of place.querySelectorAll("a[data-open]")) {
      if (before.size && !before.has(a.getAttribute("href"))) a.closest("[data-row]")?.classList.add("fresh");
      if (a.getAttribute("href") === chosen) a.closest("[data-row]")?.setAttribute("aria-current", "true");
    }
  };
  // the dashboard of a run ends with it; what it showed last stays, and what can no longer be pressed is grey
  const lost = () => {
    const state = document.getElementById("state");
    if (source.readyState === EventSource.CLOSED || !state || state.querySelector(".lost")) return;
    const said = document.createElement("span");
    said.className = "lost";
    said.append(" · this dashboard is closed; ", Object.assign(document.createElement("code"), { textContent: "suchlike web" }), " opens it again");
    state.append(said);
    for (const button of document.querySelectorAll("main button")) button.disabled = true;
  };
  const found = () => {
    document.querySelector("#state .lost")?.remove();
    for (const button of document.querySelectorAll("main button")) button.disabled = false;
  };
  const open = () => {
    source = new EventSource(main.dataset.live);
    source.onopen = found;
    source.onerror = lost;
    source.onmessage = (event) => { for (const [id, part] of Object.entries(JSON.parse(event.data))) put(id, part); };
  };
  const follow = () => {
    if (document.hidden) { source?.close(); source = null; } else if (!source) open();
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => source?.close());
  follow();
})();
