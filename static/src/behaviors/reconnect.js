// Reconnect, or choose accounts: Link on an institution that is linked (update mode). Nothing is exchanged; the server
// reads the institution at once, and its warning goes without a reload.

import $ from "jquery";
import { isBusy, setBusy } from "./busy.js";
import { cardOf, idOf, isolated, nameOf, urlOf } from "./cards.js";
import { send } from "./http.js";
import { complain, say, tell } from "./notices.js";
import { changed, swap } from "./pieces.js";
import { linkInWindow } from "./plaid.js";
import { lookAfterRefusal } from "./refused.js";

async function reconnect(card, button) {
  const id = idOf(card);
  const name = nameOf(card);
  setBusy(button, button.dataset.busy);
  const { linked, token } = await linkInWindow({ institution_id: Number(id) });
  if (!linked) return say("Link was closed. Nothing was changed.");
  setBusy(button, button.dataset.saving);
  const resource = await send("post", `${urlOf(card)}/reconnected`, { chose_accounts: token.choose_accounts });
  swap(resource.html);
  changed();
  tell(`${isolated(name)} is being read anew.`);
  return cardOf(id)?.querySelector("h2, h3")?.focus({ preventScroll: true });
}

async function lookAgain(card) {
  const resource = await lookAfterRefusal(idOf(card));
  if (!resource) return;
  swap(resource.html);
  changed();
}

async function onClick(card, button) {
  if (isBusy(button)) return;
  try {
    await reconnect(card, button);
  } catch (trouble) {
    complain(trouble.message);
    if (trouble.inLink) await lookAgain(card);
    if (button.isConnected) button.focus({ preventScroll: true });
  } finally {
    if (button.isConnected) setBusy(button, null);
  }
}

export function connectReconnect(card) {
  $(card).on("click", "[data-reconnect]", (event) => onClick(card, event.currentTarget));
}
