// "How is this made up?": opens the explanation in place; the link leads to the same as a page.

import { nameOf } from "./cards.js";
import { complainOrCatchUp } from "./elsewhere.js";
import { send } from "./http.js";
import { swap } from "./pieces.js";

async function show(link) {
  const dialog = document.getElementById("why");
  const answer = await send("get", link.getAttribute("href"));
  swap(answer.html);
  dialog.showModal();
  dialog.querySelector("#why-title").focus();
  dialog.addEventListener("close", () => link.isConnected && link.focus(), { once: true });
}

export function connectWhy(link) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const card = link.closest("[data-institution-id]");
    try {
      await show(link);
    } catch (trouble) {
      await complainOrCatchUp(trouble, card ? nameOf(card) : "This institution");
    }
  });
}
