// What another window deleted: says so, and brings this page up to date instead of leaving old numbers on it.

import { isolated } from "./cards.js";
import { send } from "./http.js";
import { complain, tell } from "./notices.js";
import { remove, swapFrom } from "./pieces.js";

/** Reads the overview anew: pieces are swapped in, cards that are no more leave. */
export async function catchUp() {
  const page = new DOMParser().parseFromString(await send("get", "/", undefined, "text/html"), "text/html");
  for (const card of document.querySelectorAll("[data-institution-id]")) {
    const { piece } = card.dataset;
    if (!page.querySelector(`[data-piece="${CSS.escape(piece)}"]`)) remove(piece);
  }
  swapFrom(page.querySelector("main"));
}

/** Shows a failure; when the object is gone (404), the reason and the page as it is now. */
export async function complainOrCatchUp(trouble, name) {
  if (trouble.status !== 404) return complain(trouble.message);
  try {
    await catchUp();
  } catch {
    return complain(`${isolated(name)} was deleted in another window. Reload the page to see how you stand now.`);
  }
  return tell(`${isolated(name)} was deleted in another window. The numbers here are up to date again.`);
}
