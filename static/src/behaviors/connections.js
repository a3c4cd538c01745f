// The page of connections follows what was done on it, until nothing is being read any more.

import { send } from "./http.js";
import { swap } from "./pieces.js";

const EVERY = 1_500;
const PATIENCE = 80;

let looking = false;

async function look(left) {
  const answer = await send("get", "/connections");
  swap(answer.html);
  if (answer.working && left > 0) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    await look(left - 1);
  }
}

async function follow() {
  if (looking) return;
  looking = true;
  try {
    await look(PATIENCE);
  } catch {
    // The page stays as it is; a reload shows how things stand.
  } finally {
    looking = false;
  }
}

document.addEventListener("cashview:changed", follow);

export function connectConnections(piece) {
  if (piece.dataset.working === "true") follow();
}
