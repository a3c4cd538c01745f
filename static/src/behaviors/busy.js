// A button at work: its words change, a ring turns beside them, and it does nothing a second time.

/** Marks the button busy with these words, or idle again without. It keeps the focus while busy. */
export function setBusy(button, words) {
  const label = button.querySelector("[data-label]");
  button.dataset.idle ??= label.textContent;
  label.textContent = words ?? button.dataset.idle;
  button.classList.toggle("is-busy", Boolean(words));
  if (words) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

/** True while the button is at work. */
export function isBusy(button) {
  return button.getAttribute("aria-disabled") === "true";
}
