// Refresh an institution: asks the bank for real-time balances and follows the card until they are here.

import $ from "jquery";
import { isBusy, setBusy } from "./busy.js";
import { nameOf, urlOf } from "./cards.js";
import { send } from "./http.js";
import { complain, say } from "./notices.js";
import { swap } from "./pieces.js";

function when(seconds) {
  const time = new Date(Date.now() + seconds * 1000).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });
  return seconds < 120 ? `in ${seconds} second${seconds === 1 ? "" : "s"}` : `at ${time}`;
}

/** The server's sentence; with 429 also when the button may be used again, unless the sentence says so. */
function explain(trouble, name) {
  if (trouble.status !== 429 || trouble.retryAfter === null) return trouble.message;
  return `${name} was refreshed a moment ago. You can refresh it again ${when(trouble.retryAfter)}.`;
}

async function refresh(card, button) {
  if (isBusy(button)) return;
  setBusy(button, button.dataset.busy);
  say(`Refreshing ${nameOf(card)}.`);
  try {
    const resource = await send("patch", urlOf(card), {});
    swap(resource.html);
  } catch (trouble) {
    complain(explain(trouble, nameOf(card)));
  } finally {
    // Swapped out or not: a button still on the page follows the card's own state.
    if (button.isConnected) setBusy(button, null);
  }
}

export function connectRefresh(card) {
  $(card).on("click", "[data-refresh]", (event) => refresh(card, event.currentTarget));
}
