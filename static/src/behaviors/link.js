// Link Institution: a link token, Plaid's window (or the simulator's, with the same API), then our own exchange.

import { isBusy, setBusy } from "./busy.js";
import { cardOf, isolated } from "./cards.js";
import { complain, say, tell } from "./notices.js";
import { swap } from "./pieces.js";
import { linkInWindow } from "./plaid.js";
import { save } from "./save.js";

let words = null;

/** Every Link button of the page shows the same words, also one that was just swapped in. */
function setAllBusy(kind) {
  for (const button of document.querySelectorAll('[data-behavior="link"]')) {
    words = kind ? button.dataset[kind] : null;
    setBusy(button, words);
  }
}

async function link() {
  setAllBusy("busy");
  const { linked } = await linkInWindow({});
  if (!linked) return say("Link was closed. Nothing was changed.");
  setAllBusy("saving");
  const resource = await save(linked, false);
  if (!resource) return tell("Nothing was linked; everything stays as it was.");
  if (!document.querySelector('[data-pieces="institutions"]')) {
    return window.location.assign(`/#institution-${resource.id}`);
  }
  swap(resource.html);
  tell(`${isolated(resource.name)} is connected. Its accounts are being read.`);
  const card = cardOf(resource.id);
  card?.scrollIntoView({ block: "nearest" });
  return card?.querySelector("h3")?.focus({ preventScroll: true });
}

async function onClick(event) {
  const button = event.currentTarget;
  if (isBusy(button)) return;
  try {
    await link();
  } catch (trouble) {
    complain(trouble.message);
    button.focus({ preventScroll: true });
  } finally {
    setAllBusy(null);
  }
}

export function connectLink(button) {
  if (words) setBusy(button, words);
  button.addEventListener("click", onClick);
}
