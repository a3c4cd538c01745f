// The ring of shares, drawn from the rows of its own table; the middle names one share in words.

import { ArcElement, Chart, DoughnutController } from "chart.js";

Chart.register(ArcElement, DoughnutController);

const still = window.matchMedia("(prefers-reduced-motion: reduce)");
let drawn = null;
let shownBefore = false;

function rowsOf(canvas) {
  return [...canvas.closest("[data-piece]").querySelectorAll("tr[data-share]")];
}

function isDark() {
  return document.documentElement.dataset.bsTheme === "dark";
}

/** Each share's colour as the server made it for a card of this theme. */
function colorsOf(rows) {
  return rows.map((row) => (isDark() ? row.dataset.dark : row.dataset.light));
}

function cardColor() {
  return getComputedStyle(document.documentElement).getPropertyValue("--card").trim();
}

/** The gap between shares, in pixels: a whole ring needs none, a crowded one hardly any. */
function edgeOf(count) {
  if (count < 2) return 0;
  return count > 24 ? 0.5 : 2;
}

/** Puts a row's name and share in the middle, and lights the row. */
function spotlight(canvas, rows, chosen) {
  const middle = canvas.closest("figure");
  const row = chosen ?? rows.reduce((most, one) => (Number(one.dataset.share) > Number(most.dataset.share) ? one : most));
  middle.querySelector('[data-slot="share"]').textContent = row.dataset.percent;
  middle.querySelector('[data-slot="name"]').textContent = row.querySelector(".share-name").textContent;
  for (const one of rows) one.classList.toggle("is-lit", one === chosen);
}

function configuration(canvas, rows) {
  return {
    type: "doughnut",
    data: {
      datasets: [
        {
          data: rows.map((row) => Number(row.dataset.share)),
          backgroundColor: colorsOf(rows),
          hoverBackgroundColor: colorsOf(rows),
          borderColor: cardColor(),
          borderWidth: edgeOf(rows.length),
        },
      ],
    },
    options: {
      responsive: false,
      cutout: "71%",
      events: ["mousemove", "mouseout", "click"],
      // Drawn once with a turn; after a swap it is simply right.
      animation: still.matches || shownBefore ? false : { duration: 150 },
      onHover: (_event, active) => spotlight(canvas, rows, active.length ? rows[active[0].index] : null),
    },
  };
}

/** Draws the ring on a canvas that was just put on the page, and lets go of the one before. */
export function connectChart(canvas) {
  drawn?.destroy();
  const rows = rowsOf(canvas);
  drawn = new Chart(canvas, configuration(canvas, rows));
  shownBefore = true;
  for (const row of rows) {
    row.addEventListener("pointerenter", () => spotlight(canvas, rows, row));
    row.addEventListener("pointerleave", () => spotlight(canvas, rows, null));
  }
}

/** Draws shares and the edges between them in the new theme's colours. */
export function startChartTheme() {
  document.addEventListener("cashview:theme", () => {
    if (!drawn) return;
    const [shares] = drawn.data.datasets;
    shares.borderColor = cardColor();
    shares.backgroundColor = shares.hoverBackgroundColor = colorsOf(rowsOf(drawn.canvas));
    drawn.update("none");
  });
}
