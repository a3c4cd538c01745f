// Refresh an institution: asks the bank for real-time balances and follows the card until they are here.

import $ from "jquery";
import { isBusy, setBusy } from "./busy.js";
import { nameOf, urlOf } from "./cards.js";
import { countDown } from "./countdown.js";
import { complainOrCatchUp } from "./elsewhere.js";
import { send } from "./http.js";
import { say } from "./notices.js";
import { swap } from "./pieces.js";

async function refresh(card, button) {
  if (isBusy(button)) return;
  setBusy(button, button.dataset.busy);
  try {
    const resource = await send("patch", urlOf(card), {});
    say(`Refreshing ${nameOf(card)}.`);
    swap(resource.html);
  } catch (trouble) {
    await complainOrCatchUp(trouble, nameOf(card));
    if (button.isConnected && trouble.retryAfter) return countDown(button, trouble.retryAfter);
  }
  // Swapped out or not: a button still on the page follows the card's own state.
  if (button.isConnected) setBusy(button, null);
}

export function connectRefresh(card) {
  $(card).on("click", "[data-refresh]", (event) => refresh(card, event.currentTarget));
}
