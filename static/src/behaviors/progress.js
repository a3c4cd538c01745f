// Follows a card at work (data-working="true"), also after a reload, until the server says it is done.

import { cardOf, idOf, nameOf, urlOf } from "./cards.js";
import { complainOrCatchUp } from "./elsewhere.js";
import { send } from "./http.js";
import { say } from "./notices.js";
import { swap } from "./pieces.js";

const FIRST = 700;
const SLOWEST = 3_000;
const FACTOR = 1.25;
const PATIENCE = 10;

const followed = new Map();

function isWorking(card) {
  return card?.dataset.working === "true";
}

function sayChange(id, before) {
  const story = cardOf(id)?.dataset.story;
  if (story && story !== before) say(story);
}

async function look(id) {
  const before = cardOf(id);
  const resource = await send("get", urlOf(before));
  swap(resource.html);
  sayChange(id, before.dataset.story);
}

function next(id, state) {
  if (!isWorking(cardOf(id))) return followed.delete(id);
  state.wait = Math.min(state.wait * FACTOR, SLOWEST);
  return setTimeout(() => step(id, state), state.wait);
}

/** The card went in another window while it was being read. */
async function leave(id, trouble) {
  const card = cardOf(id);
  if (card) await complainOrCatchUp(trouble, nameOf(card));
}

async function step(id, state) {
  // A hidden tab waits; nobody is looking.
  if (document.hidden) return next(id, { ...state, wait: SLOWEST });
  try {
    await look(id);
    state.failures = 0;
  } catch (trouble) {
    if (trouble.status === 404) await leave(id, trouble);
    if (trouble.status === 401 || (state.failures += 1) > PATIENCE) return followed.delete(id);
  }
  return next(id, state);
}

/** Connects a card: polls it while it works. Every swap connects the new card, one poll a card goes on. */
export function connectProgress(card) {
  const id = idOf(card);
  if (!isWorking(card) || followed.has(id)) return;
  const state = { wait: FIRST, failures: 0 };
  followed.set(id, state);
  setTimeout(() => step(id, state), FIRST);
}
