// Asks with one of the page's own <dialog> elements, and waits for the answer.

import $ from "jquery";

/** Gives the focus back: to the opener, or to its menu when that has closed over it. */
function giveBack(opener) {
  if (!opener?.isConnected) return;
  const menu = opener.closest("details.menu:not([open])");
  (menu?.querySelector("summary") ?? opener).focus({ preventScroll: true });
}

/** Fills the dialog's text slots, shows it, and resolves to true for "yes". Focus goes back to where it was. */
export function ask(id, slots) {
  const dialog = document.getElementById(id);
  const opener = document.activeElement;
  for (const [name, text] of Object.entries(slots)) {
    $(dialog).find(`[data-slot="${name}"]`).text(text);
  }
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    $(dialog).one("close", () => {
      giveBack(opener);
      resolve(dialog.returnValue === "yes");
    });
  });
}
