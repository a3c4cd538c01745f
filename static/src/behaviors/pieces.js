// Swaps pieces of the page for newer ones the server rendered. Each carries data-piece="NAME".
// What a person had open stays open, and the focus stays where it was.

import $ from "jquery";

const seen = new Map();

function find(name) {
  return document.querySelector(`[data-piece="${CSS.escape(name)}"]`);
}

function focusKey(piece) {
  const element = document.activeElement;
  if (!element || !piece.contains(element)) return null;
  const account = element.closest("[data-account-id]")?.dataset.accountId;
  const row = account ? `[data-account-id="${account}"] ` : "";
  if (element.dataset.key) return `${row}[data-key="${element.dataset.key}"]`;
  return element.id ? `#${CSS.escape(element.id)}` : "h2, h3";
}

function keepOpen(old, fresh) {
  for (const details of fresh.querySelectorAll("details[data-keep]")) {
    const before = old.querySelector(`details[data-keep="${details.dataset.keep}"]`);
    if (before) details.open = before.open;
  }
}

function announce(piece) {
  piece.dispatchEvent(new CustomEvent("cashview:piece", { bubbles: true }));
}

function replace(old, fresh) {
  const focused = focusKey(old);
  keepOpen(old, fresh);
  old.replaceWith(fresh);
  announce(fresh);
  if (focused) (fresh.querySelector(focused) ?? fresh.querySelector("h3, h2"))?.focus({ preventScroll: true });
}

function place(fresh) {
  const name = fresh.dataset.piece;
  const html = fresh.outerHTML;
  const old = find(name);
  // The same markup as last time is left alone: no flicker, no chart drawn twice.
  if (old && seen.get(name) === html) return;
  seen.set(name, html);
  if (old) replace(old, fresh);
  else if (name.startsWith("institution-")) {
    const list = document.querySelector('[data-pieces="institutions"]');
    if (!list) return; // a page without cards
    list.append(fresh);
    announce(fresh);
  }
}

/** Says that something was done to an institution: a page may have to look again. */
export function changed() {
  document.dispatchEvent(new CustomEvent("cashview:changed"));
}

/** Puts every piece of the server's html in its place. Scripts in it would not run (jQuery drops them). */
export function swap(html) {
  // The page as context: jQuery would otherwise make a document with a <base>, which the page's policy refuses.
  for (const node of $.parseHTML(html ?? "", document) ?? []) {
    if (node.nodeType === Node.ELEMENT_NODE && node.dataset.piece) place(node);
  }
}

/** Puts every piece inside an element of another document in its place. */
export function swapFrom(root) {
  for (const piece of root.querySelectorAll("[data-piece]")) {
    if (!piece.parentElement.closest("[data-piece], dialog")) place(document.importNode(piece, true));
  }
}

/** Takes a piece off the page. */
export function remove(name) {
  seen.delete(name);
  $(find(name)).remove();
}
