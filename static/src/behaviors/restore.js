// Brings back the accounts a person deleted from an institution.

import $ from "jquery";
import { nameOf, urlOf } from "./cards.js";
import { send } from "./http.js";
import { complain, tell } from "./notices.js";
import { swap } from "./pieces.js";

async function restore(card) {
  try {
    const resource = await send("post", `${urlOf(card)}/restore-accounts`, {});
    swap(resource.html);
    tell(`The deleted accounts of ${nameOf(card)} are coming back.`);
  } catch (trouble) {
    complain(trouble.message);
  }
}

export function connectRestore(card) {
  $(card).on("click", "[data-restore]", () => restore(card));
}
