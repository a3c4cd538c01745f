// Keeps what Link gave for a new institution.

import { short } from "./cards.js";
import { ask } from "./dialogs.js";
import { send } from "./http.js";

const ASKED = { already_linked: "ask-duplicate", same_login: "ask-same-login" };

/** Resolves to the institution's resource, or null when the person thought better of it. A sign-in at the bank is not
    thrown away: without an answer, or when the bank service is down, the person may try the same token again (asking
    twice gives the same institution). */
export async function save(linked, confirmed) {
  const body = { public_token: linked.publicToken, metadata: linked.metadata };
  if (confirmed) body.confirm_duplicate = true;
  try {
    return await send("post", "/financial-institutions", body);
  } catch (trouble) {
    const name = short(linked.metadata?.institution?.name ?? "This institution");
    const { message, code, status } = trouble;
    if (ASKED[code] && !confirmed) {
      return (await ask(ASKED[code], { name, message })) ? save(linked, true) : null;
    }
    if (status !== 0 && status < 500) throw trouble;
    return (await ask("ask-retry", { name, message })) ? save(linked, confirmed) : null;
  }
}
