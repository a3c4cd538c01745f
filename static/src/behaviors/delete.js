// Deletes an institution, an account or a budget tracker: asks first and names what will go, then numbers change in place.

import $ from "jquery";
import { cardOf, idOf, isolated, nameOf, short, urlOf } from "./cards.js";
import { ask } from "./dialogs.js";
import { complainOrCatchUp } from "./elsewhere.js";
import { send } from "./http.js";
import { tell } from "./notices.js";
import { changed, remove, swap } from "./pieces.js";

function newTotal() {
  return document.querySelector('[data-piece="summary"]')?.dataset.story ?? "";
}

/** What goes with an institution. Where access has ended at the bank there is none to withdraw. */
function lossOf(card) {
  const count = Number(card.dataset.accounts);
  const what = count ? `${count} account${count === 1 ? "" : "s"} with balances and transactions` : "What is left of it";
  return `${what} will go from CashView${"ended" in card.dataset ? "" : ", and its access at the bank is withdrawn"}.`;
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
  if (!(await ask("ask-delete-institution", { name: short(name), what: lossOf(card) }))) return;
  const answer = await send("delete", urlOf(card));
  remove(`institution-${idOf(card)}`);
  swap(answer.html);
  changed();
  tell(`${isolated(name)} deleted. ${newTotal()}`);
  focusFirst(document.getElementById("institutions"), document.querySelector('[data-piece="empty"] [data-key="link"]'));
}

function accountName(row) {
  return row.querySelector("b").textContent;
}

async function deleteAccount(card, row) {
  const name = accountName(row);
  if (!(await ask("ask-delete-account", { name: short(name), institution: short(nameOf(card)) }))) return;
  const answer = await send("delete", `/accounts/${row.dataset.accountId}`);
  swap(answer.html);
  tell(`${isolated(name)} deleted. ${newTotal()}`);
  focusFirst(cardOf(idOf(card))?.querySelector("h3"));
}

async function deleteTracker(row, budget) {
  const name = accountName(row);
  const id = row.dataset.accountId;
  if (!(await ask("ask-delete-tracker", { name: short(name), budget }))) return;
  const answer = await send("delete", `/accounts/${id}/budget-tracker`);
  swap(answer.html);
  tell(`The budget tracker of ${isolated(name)} is deleted.`);
  focusFirst(document.querySelector(`[data-account-id="${id}"] [data-key="create-tracker"]`));
}

function whatOf(card, row, button) {
  if (button.dataset.delete === "tracker") return "This budget tracker";
  return row ? accountName(row) : nameOf(card);
}

async function onClick(card, button) {
  const row = button.closest("[data-account-id]");
  try {
    if (button.dataset.delete === "tracker") await deleteTracker(row, button.dataset.budget);
    else if (row) await deleteAccount(card, row);
    else await deleteInstitution(card);
  } catch (trouble) {
    await complainOrCatchUp(trouble, whatOf(card, row, button));
  }
}

export function connectDelete(card) {
  $(card).on("click", "[data-delete]", (event) => onClick(card, event.currentTarget));
}
