// Back from the bank's own page: Link goes on with the same token, then what it gave is kept, and the overview opens.

import { send } from "./http.js";
import { openLink } from "./plaid.js";
import { lookAfterRefusal } from "./refused.js";
import { save } from "./save.js";

function keep(linked, { institution, choose }) {
  if (!institution) return save(linked, false);
  return send("post", `/financial-institutions/${institution}/reconnected`, { chose_accounts: choose === "true" });
}

export async function connectOauth(element) {
  const story = element.querySelector('[data-slot="story"]');
  try {
    const linked = await openLink(element.dataset.token, window.location.href);
    const resource = linked && (await keep(linked, element.dataset));
    // In this page's place: going back would find a sign-in that is over.
    if (resource) return window.location.replace(`/#institution-${resource.id}`);
    story.textContent = "Nothing was changed; everything stays as it was.";
  } catch (trouble) {
    story.textContent = trouble.message;
    if (trouble.inLink && element.dataset.institution) await lookAfterRefusal(element.dataset.institution);
  }
  return undefined;
}
