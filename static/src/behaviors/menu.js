// A <details> menu closes on Escape, on a click elsewhere and when something in it was chosen.

const open = new Set();

function close(menu, refocus) {
  menu.open = false;
  // One that was swapped out with its card fires no toggle event any more.
  if (!menu.isConnected) open.delete(menu);
  if (refocus) menu.querySelector("summary").focus();
}

document.addEventListener("click", (event) => {
  for (const menu of open) {
    const chose = event.target.closest(".menu-item");
    if (chose || !menu.contains(event.target)) close(menu, false);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open) close(menu, menu.contains(document.activeElement));
});

export function connectMenu(menu) {
  menu.addEventListener("toggle", () => (menu.open ? open.add(menu) : open.delete(menu)));
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu, false);
  });
}
