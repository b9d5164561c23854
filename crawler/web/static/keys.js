// The keyboard: j and k move, Enter opens, + and - rate, x selects, / searches. Links and forms do the work.
(() => {
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const chosen = () => document.querySelector("[data-row][aria-current=true]");
  const choose = (row) => {
    if (!row) return;
    chosen()?.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "nearest" });
    row.querySelector("a[data-open]")?.focus({ preventScroll: true });
  };
  const step = (by) => {
    const all = rows(), at = all.indexOf(chosen());
    choose(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]);
  };
  const rate = (name) => (chosen() ?? document.querySelector("header.article"))?.querySelector(`button[name=${name}]`)?.click();
  const help = document.getElementById("keys");
  const show = (on) => { help.hidden = !on; if (on) help.focus(); };
  const pages = () => [...document.querySelectorAll("header.top nav a")];
  const deeds = {
    j: () => step(1), k: () => step(-1), ArrowDown: null, o: () => chosen()?.querySelector("a[data-open]")?.click(),
    "+": () => rate("like"), "=": () => rate("like"), "-": () => rate("unlike"),
    x: () => chosen()?.querySelector("[data-select]")?.click(), n: () => document.querySelector("[data-more]")?.click(),
    "/": () => { const search = document.querySelector("[data-search]"); if (search) { search.focus(); search.select(); } else location.href = "/results"; },
    "?": () => show(help.hidden), Escape: () => { show(false); document.getElementById("sheet").replaceChildren(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=checkbox]):not([type=range]), select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (/^[1-9]$/.test(event.key)) { pages()[Number(event.key) - 1]?.click(); return; }
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  });
})();
