// Deletes an institution, an account or a budget tracker: asks first and names what will go, then numbers change in place.

import $ from "jquery";
import { cardOf, idOf, nameOf, urlOf } from "./cards.js";
import { ask } from "./dialogs.js";
import { send } from "./http.js";
import { complain, tell } from "./notices.js";
import { remove, swap } from "./pieces.js";

function newTotal() {
  return document.querySelector('[data-piece="summary"]')?.dataset.story ?? "";
}

function accountsOf(card) {
  const count = Number(card.dataset.accounts);
  return `${count} account${count === 1 ? "" : "s"}`;
}

/** Where the keyboard goes on: what is left to do after something went. */
function focusFirst(...candidates) {
  for (const element of candidates) {
    if (element?.isConnected && element.getClientRects().length > 0) return element.focus();
  }
  return undefined;
}

async function deleteInstitution(card) {
  const name = nameOf(card);
  if (!(await ask("ask-delete-institution", { name, what: accountsOf(card) }))) return;
  const answer = await send("delete", urlOf(card));
  remove(`institution-${idOf(card)}`);
  swap(answer.html);
  tell(`${name} deleted. ${newTotal()}`);
  focusFirst(document.getElementById("institutions"), document.querySelector('[data-piece="empty"] [data-key="link"]'));
}

async function deleteAccount(card, row) {
  const name = row.querySelector("b").textContent;
  if (!(await ask("ask-delete-account", { name, institution: nameOf(card) }))) return;
  const answer = await send("delete", `/accounts/${row.dataset.accountId}`);
  swap(answer.html);
  tell(`${name} deleted. ${newTotal()}`);
  focusFirst(cardOf(idOf(card))?.querySelector("h3"));
}

async function deleteTracker(row, budget) {
  const name = row.querySelector("b").textContent;
  const id = row.dataset.accountId;
  if (!(await ask("ask-delete-tracker", { name, budget }))) return;
  const answer = await send("delete", `/accounts/${id}/budget-tracker`);
  swap(answer.html);
  tell(`The budget tracker of ${name} is deleted.`);
  focusFirst(document.querySelector(`[data-account-id="${id}"] [data-key="create-tracker"]`));
}

async function onClick(card, button) {
  try {
    if (button.dataset.delete === "institution") await deleteInstitution(card);
    else if (button.dataset.delete === "tracker") await deleteTracker(button.closest("[data-account-id]"), button.dataset.budget);
    else await deleteAccount(card, button.closest("[data-account-id]"));
  } catch (trouble) {
    complain(trouble.message);
  }
}

export function connectDelete(card) {
  $(card).on("click", "[data-delete]", (event) => onClick(card, event.currentTarget));
}
