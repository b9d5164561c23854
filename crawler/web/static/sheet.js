// What a rating would change comes in a sheet beside the page: that it is being worked out, what it is, or why not.
(() => {
  const sheet = document.getElementById("sheet");
  const say = (sentence, role) => {
    const said = document.createElement("p");
    said.className = role === "alert" ? "beside problem" : "beside";
    said.setAttribute("role", role);
    said.textContent = sentence;
    sheet.replaceChildren(said);
  };
  const why = (xhr) => new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("main p")?.textContent ?? "Something went wrong; the log says what.";
  const isOurs = (event) => event.detail.target === sheet;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isOurs(event)) return;
    const pressed = event.target.closest("#sheet")?.querySelector("button");
    if (pressed) pressed.setAttribute("aria-busy", "true"); else say("Working out what would change …", "status");
  });
  document.addEventListener("htmx:responseError", (event) => { if (isOurs(event)) say(why(event.detail.xhr), "alert"); });
  document.addEventListener("htmx:sendError", (event) => { if (isOurs(event)) say("The dashboard does not answer. Is it still running?", "alert"); });
  // what the server puts into the sheet is read out and can be answered by keys at once
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target === sheet) sheet.querySelector("button, a")?.focus(); });
  document.addEventListener("click", (event) => { if (event.target.matches("[data-close]")) { event.preventDefault(); sheet.replaceChildren(); } });
})();
