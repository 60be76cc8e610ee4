"use strict";
(() => {
  const table = document.getElementById("rows");
  const data = JSON.parse(document.getElementById("ratings").textContent);
  document.documentElement.classList.add("js");
  if (!table) return;
  const body = table.tBodies[0], form = document.getElementById("filters"), count = document.getElementById("count");
  const [RANK, CASE, SERVICE, RUN, SPLIT, PVALUE, OUTCOME, LINE] = [0, 1, 2, 3, 4, 5, 6, 7];
  const rows = [...body.rows].map((element, place) => {
    const cells = element.cells, text = (column) => cells[column].textContent.trim();
    const label = { 1: true, 0: false }[element.dataset.y] ?? null;
    const row = { element, cells, place, label, values: [0, text(CASE), text(SERVICE), text(RUN), text(SPLIT), 0, text(OUTCOME), text(LINE)] };
    row.search = [...row.values.slice(1, 5), row.values[LINE]].join(" ").toLowerCase();
    return row;
  });
  let detector = 0, sorted = RANK, falling = false;

  // Numbers are read from the data block, so that the list can be ranked by any detector.
  const digits = (value) => {
    if (value === null) return "–";
    if (value && Math.abs(value) < 0.0005) return value.toExponential(0);
    return value.toFixed(3).replace("-", "−");
  };
  const outcome = (flagged, label) => {
    if (flagged === null || (label === null && !flagged)) return "";
    if (label === null) return "flagged";
    return flagged ? (label ? "found" : "false alarm") : label ? "missed" : "";
  };
  const rate = () => {
    for (const row of rows) {
      const [rank, p, flagged, least] = data.rows[row.place][detector];
      const word = outcome(flagged, row.label);
      Object.assign(row.values, { [RANK]: rank, [PVALUE]: p, [OUTCOME]: word });
      row.flagged = flagged;
      if (detector === row.shown) continue;
      row.shown = detector;
      row.cells[RANK].textContent = rank ?? "–";
      row.cells[PVALUE].textContent = (least ? "≤ " : "") + digits(p);
      const tag = document.createElement("span");
      tag.className = "tag " + word.replace(" ", "-");
      tag.textContent = word;
      row.cells[OUTCOME].replaceChildren(...(word ? [tag] : []));
    }
  };
  for (const row of rows) row.shown = 0;

  const field = (label, control) => {
    const wrap = document.createElement("div"), name = document.createElement("label");
    control.id = name.htmlFor = "filter-" + control.name;
    name.textContent = label;
    wrap.append(name, control);
    form.append(wrap);
    return control;
  };
  const select = (label, name, options) => {
    const control = document.createElement("select");
    control.name = name;
    for (const [value, text] of options) control.add(new Option(text, value));
    return field(label, control);
  };
  const distinct = (column) => [["", "all"], ...[...new Set(rows.map((row) => row.values[column]))].sort().map((name) => [name, name])];
  const search = field("Search", Object.assign(document.createElement("input"), { type: "search", name: "search", placeholder: "run, test case, service or line", autocomplete: "off" }));
  const service = select("Service", "service", distinct(SERVICE));
  const fault = select("Test case", "fault", distinct(CASE));
  const split = select("Side", "split", distinct(SPLIT));
  const status = select("Show", "status", [["", "all"], ["flagged", "flagged"], ["found", "found"], ["false alarm", "false alarms"], ["missed", "missed"], ["detail", "with details"]]);
  const ranked = data.detectors.length > 1 ? select("Ranked by", "detector", data.detectors.map((name, place) => [place, name])) : null;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());

  const wanted = (row) => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = status.value;
    return (!service.value || row.values[SERVICE] === service.value) && (!fault.value || row.values[CASE] === fault.value) &&
      (!split.value || row.values[SPLIT] === split.value) && words.every((word) => row.search.includes(word)) &&
      (!state || (state === "flagged" ? row.flagged : state === "detail" ? row.element.querySelector("a") : row.values[OUTCOME] === state));
  };
  const compare = (a, b) => {
    const [x, y] = [a.values[sorted], b.values[sorted]];
    if (x === y) return a.place - b.place;
    if (x === null || y === null) return x === null ? 1 : -1;
    const order = typeof x === "number" ? x - y : x < y ? -1 : 1;
    return falling ? -order : order;
  };
  const show = (reorder) => {
    if (reorder) {
      rate();
      body.append(...[...rows].sort(compare).map((row) => row.element));
    }
    let n = 0;
    for (const row of rows) n += !(row.element.hidden = !wanted(row));
    count.textContent = n === rows.length ? `${n.toLocaleString("en")} sequences` : `${n.toLocaleString("en")} of ${rows.length.toLocaleString("en")} sequences`;
  };
  form.addEventListener("input", () => {
    const chosen = ranked ? Number(ranked.value) : 0;
    const changed = chosen !== detector;
    detector = chosen;
    document.getElementById("ranked-by").textContent = data.detectors[detector];
    show(changed);
  });
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      falling = sorted === column && !falling;
      sorted = column;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      show(true);
    });
  });
  table.tHead.rows[0].cells[RANK].setAttribute("aria-sort", "ascending");
  rate();
  show(false);

  // Detail view: the fragment names it, so that the browser's own back button works and a view can be linked to.
  const details = document.getElementById("details");
  if (!details) return;
  const steps = Object.assign(document.createElement("nav"), { className: "steps" });
  steps.setAttribute("aria-label", "Sequences");
  details.prepend(steps);
  let origin = null;
  const link = (text, target) => {
    const element = document.createElement(target ? "a" : "span");
    if (target) element.href = target;
    element.textContent = text;
    return element;
  };
  const visit = () => {
    const current = /^#seq-\d+$/.test(location.hash) ? document.getElementById(location.hash.slice(1)) : null;
    const was = document.documentElement.classList.contains("viewing");
    document.documentElement.classList.toggle("viewing", current !== null);
    for (const one of details.querySelectorAll(".seq.current")) one.classList.remove("current");
    if (current) {
      const holder = current.closest(".seq");
      holder.classList.add("current");
      holder.open = true;
      origin = body.querySelector(`a[href="${location.hash}"]`);
      const links = [...body.querySelectorAll("tr:not([hidden]) a")].map((a) => a.hash);
      const at = links.indexOf(location.hash);
      steps.replaceChildren(link("← Back to the list", "#explorer"), link("Previous", at > 0 ? links[at - 1] : ""), link("Next", at >= 0 && at < links.length - 1 ? links[at + 1] : ""));
      document.title = current.querySelector("h2").textContent;
      scrollTo({ top: 0, behavior: "instant" });
      current.querySelector("h2").focus({ preventScroll: true });
    } else if (was) {
      document.title = title;
      const target = document.getElementById(location.hash.slice(1)) ?? document.getElementById("explorer");
      target.scrollIntoView({ behavior: "instant" });
      if (origin && target.id === "explorer") {
        origin.focus({ preventScroll: true });
        origin.scrollIntoView({ block: "nearest", behavior: "instant" });
      }
    }
  };
  const title = document.title;
  addEventListener("hashchange", visit);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.documentElement.classList.contains("viewing")) location.hash = "#explorer";
  });
  visit();
})();
