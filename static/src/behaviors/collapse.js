// Remembers in this browser which institutions a person folded away or opened (ids only, no figures).

const KEY = "cashview.open";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function write(choices) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choices));
  } catch {
    // Without storage the page simply starts as the server made it.
  }
}

export function connectCollapse(details) {
  const id = details.closest("[data-institution-id]").dataset.institutionId;
  const choice = read()[id];
  if (typeof choice === "boolean") details.open = choice;
  // A click, not the toggle event: only what the person chose is remembered.
  details.querySelector("summary").addEventListener("click", () => {
    write({ ...read(), [id]: !details.open });
  });
}
