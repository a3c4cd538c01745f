// Messages: toasts a person sees, and sentences only a screen reader hears.

const STAY = 4_000;
const PER_LETTER = 50;
const LONGEST = 10_000;

/** Milliseconds to read a sentence without haste: about seven seconds for a usual one. */
function readingTime(text) {
  return Math.min(STAY + PER_LETTER * text.length, LONGEST);
}

function region(kind) {
  return document.querySelector(`[data-toasts="${kind}"]`);
}

function toast(kind, text) {
  const copy = document.getElementById("toast").content.cloneNode(true);
  const element = copy.firstElementChild;
  element.querySelector('[data-slot="text"]').textContent = text;
  element.querySelector('[data-slot="icon"]').setAttribute("href", kind === "error" ? "#i-warn" : "#i-check");
  element.querySelector("[data-dismiss]").addEventListener("click", () => element.remove());
  region(kind).append(element);
  return element;
}

/** Says that something went well; an older complaint is over with that. It leaves by itself, unless the pointer or the focus is on it. */
export function tell(text) {
  region("error").replaceChildren();
  region("info").replaceChildren();
  const element = toast("info", text);
  const leave = () => (element.matches(":hover, :focus-within") ? setTimeout(leave, STAY) : element.remove());
  setTimeout(leave, readingTime(text));
}

// Escape puts messages away, unless it closes a dialog.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  for (const kind of ["info", "error"]) region(kind)?.replaceChildren();
});

/** Says that something went wrong; it stays until dismissed or replaced by the next. */
export function complain(text) {
  region("error").replaceChildren();
  toast("error", text);
}

/** Says something to screen readers only: a change that eyes see for themselves. */
export function say(text) {
  const said = document.getElementById("said");
  // Emptied first, so that the same sentence twice is heard twice.
  said.textContent = "";
  setTimeout(() => (said.textContent = text), 60);
}
