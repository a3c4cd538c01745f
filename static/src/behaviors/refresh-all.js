// Refreshes every institution at once; the cards then follow their own progress. While no bank may be asked again the
// button counts the seconds down.

import $ from "jquery";
import { isBusy, setBusy } from "./busy.js";
import { countDown } from "./countdown.js";
import { send } from "./http.js";
import { complain, say } from "./notices.js";
import { swap } from "./pieces.js";

const URL = "/financial-institutions";

async function refreshAll(button) {
  if (isBusy(button)) return;
  setBusy(button, button.dataset.busy);
  say("Refreshing everything.");
  try {
    swap((await send("patch", URL, {})).html);
  } catch (trouble) {
    complain(trouble.message);
    if (trouble.retryAfter) return countDown(button, trouble.retryAfter);
  }
  if (button.isConnected) setBusy(button, null);
}

export function connectRefreshAll(button) {
  $(button).on("click", () => refreshAll(button));
  const seconds = Number(button.dataset.readyIn);
  // While cards are being refreshed the button says so; the seconds are counted once they are done.
  if (seconds > 0 && !isBusy(button)) countDown(button, seconds);
}
