// Link Institution: a link token, Plaid's window (or the simulator's, with the same API), then our own exchange.

import { isBusy, setBusy } from "./busy.js";
import { cardOf, isolated, short } from "./cards.js";
import { ask } from "./dialogs.js";
import { send } from "./http.js";
import { complain, say, tell } from "./notices.js";
import { swap } from "./pieces.js";

const NO_SCRIPT = "The bank window could not be loaded. Check your connection or a content blocker, then reload this page.";
const NO_WORDS = "The bank did not connect. Nothing was changed; you can try again.";
const SCRIPT_WAIT = 10_000;

let words = null;

/** Every Link button of the page shows the same words, also one that was just swapped in. */
function setAllBusy(kind) {
  for (const button of document.querySelectorAll('[data-behavior="link"]')) {
    words = kind ? button.dataset[kind] : null;
    setBusy(button, words);
  }
}

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

/** Opens Link; resolves to {publicToken, metadata}, or null when the person left, or rejects with words to show. */
async function openLink(token) {
  const api = await plaid();
  return new Promise((resolve, reject) => {
    const handler = api.create({
      token,
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

function exitTrouble(error) {
  const trouble = new Error(error.display_message || NO_WORDS);
  trouble.code = error.error_code;
  return trouble;
}

async function newToken() {
  return (await send("post", "/create_link_token", {})).link_token;
}

/** A link token lives for hours only; one that died on an open page is replaced once. */
async function linkInWindow() {
  try {
    return await openLink(await newToken());
  } catch (trouble) {
    if (trouble.code !== "INVALID_LINK_TOKEN") throw trouble;
    return openLink(await newToken());
  }
}

/** Keeps what Link gave. A sign-in at the bank is not thrown away: without an answer, or when the bank service is
    down, the person may try the same token again (asking twice gives the same institution). */
async function save(linked, confirmed) {
  const body = { public_token: linked.publicToken, metadata: linked.metadata };
  if (confirmed) body.confirm_duplicate = true;
  try {
    return await send("post", "/financial-institutions", body);
  } catch (trouble) {
    const name = short(linked.metadata?.institution?.name ?? "This institution");
    const { message, code, status } = trouble;
    if (code === "already_linked" && !confirmed) {
      return (await ask("ask-duplicate", { name, message })) ? save(linked, true) : null;
    }
    if (status !== 0 && status < 500) throw trouble;
    return (await ask("ask-retry", { name, message })) ? save(linked, confirmed) : null;
  }
}

async function link() {
  setAllBusy("busy");
  const linked = await linkInWindow();
  if (!linked) return say("Link was closed. Nothing was changed.");
  setAllBusy("saving");
  const resource = await save(linked, false);
  if (!resource) return tell("Nothing was linked; everything stays as it was.");
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
