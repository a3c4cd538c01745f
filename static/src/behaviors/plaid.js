// Plaid's window (or the simulator's, with the same API): waits for its script, opens it, and tells how it ended.

import { send } from "./http.js";

const NO_SCRIPT = "The bank window could not be loaded. Check your connection or a content blocker, then reload this page.";
const NO_WORDS = "The bank did not connect. Nothing was changed; you can try again.";
const ANEW = "The bank does not renew this connection. Link it anew; what you made here can move over.";
const SCRIPT_WAIT = 10_000;

/** Waits for window.Plaid: the script tag is async, and may have failed before this ran. */
async function plaid() {
  const deadline = Date.now() + SCRIPT_WAIT;
  while (!window.Plaid && Date.now() < deadline && !failedScript()) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (!window.Plaid) throw new Error(NO_SCRIPT);
  return window.Plaid;
}

let scriptFailed = false;
document.querySelector("[data-link-script]")?.addEventListener("error", () => (scriptFailed = true));

function failedScript() {
  // A script that ended without defining Plaid is as good as none.
  const [entry] = performance.getEntriesByName(document.querySelector("[data-link-script]")?.src ?? "");
  return scriptFailed || (entry?.responseEnd > 0 && document.readyState === "complete" && !window.Plaid);
}

function exitTrouble(error) {
  const words = error.error_code === "INVALID_UPDATED_USERNAME" ? ANEW : NO_WORDS;
  const trouble = new Error(error.display_message || words);
  trouble.code = error.error_code;
  trouble.inLink = true;
  return trouble;
}

/** Opens Link; resolves to {publicToken, metadata}, or null when the person left, or rejects with words to show.
    receivedRedirectUri: the address to which the bank's own page has sent the person back. */
export async function openLink(token, receivedRedirectUri) {
  const api = await plaid();
  return new Promise((resolve, reject) => {
    const handler = api.create({
      token,
      ...(receivedRedirectUri ? { receivedRedirectUri } : {}),
      onSuccess: (publicToken, metadata) => finish(() => resolve({ publicToken, metadata })),
      onExit: (error) => finish(() => (error ? reject(exitTrouble(error)) : resolve(null))),
    });
    const finish = (then) => {
      handler.destroy?.();
      then();
    };
    handler.open();
  });
}

/** Asks for a link token and opens Link with it; resolves to {linked, token}, linked as from openLink. With an
    institution's id in `wanted` Link opens on that one (update mode). A link token lives for hours only; one that died
    on an open page is replaced once. */
export async function linkInWindow(wanted) {
  const token = await send("post", "/create_link_token", wanted);
  try {
    return { token, linked: await openLink(token.link_token) };
  } catch (trouble) {
    if (trouble.code !== "INVALID_LINK_TOKEN") throw trouble;
    const fresh = await send("post", "/create_link_token", wanted);
    return { token: fresh, linked: await openLink(fresh.link_token) };
  }
}
