// Asks with one of the page's own <dialog> elements, and waits for the answer.

import $ from "jquery";

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
      if (opener?.isConnected) opener.focus({ preventScroll: true });
      resolve(dialog.returnValue === "yes");
    });
  });
}
