// Brings back the accounts a person deleted from an institution.

import $ from "jquery";
import { isolated, nameOf, urlOf } from "./cards.js";
import { complainOrCatchUp } from "./elsewhere.js";
import { send } from "./http.js";
import { tell } from "./notices.js";
import { swap } from "./pieces.js";

async function restore(card) {
  try {
    const resource = await send("post", `${urlOf(card)}/restore-accounts`, {});
    swap(resource.html);
    tell(`The deleted accounts of ${isolated(nameOf(card))} are coming back.`);
  } catch (trouble) {
    await complainOrCatchUp(trouble, nameOf(card));
  }
}

export function connectRestore(card) {
  $(card).on("click", "[data-restore]", () => restore(card));
}
