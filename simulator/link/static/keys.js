/* The keyboard inside the frame: Tab goes round, Escape asks to leave. */

const FOCUSABLE = 'button, input, summary, select, textarea, a[href], [tabindex="0"]';

/** What Tab can reach inside `root`, in order. */
function reachable(root) {
  return [...root.querySelectorAll(FOCUSABLE)].filter((element) => !element.disabled && element.checkVisibility());
}

function sameGroup(a, b) {
  return a.type === 'radio' && b.type === 'radio' && a.name === b.name;
}

/** Where Tab must go by hand because the browser would leave the frame; null when it may go on by itself. */
function wrapTarget(root, active, backwards) {
  const stops = reachable(root);
  if (!stops.length || !root.contains(active)) return stops[0] || null;
  const side = backwards ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  const ahead = stops.some((stop) => active.compareDocumentPosition(stop) & side && !sameGroup(active, stop));
  if (ahead) return null;
  return backwards ? stops[stops.length - 1] : stops[0];
}

/** Keeps Tab within the page, or within `dialog` while it is open; Escape elsewhere calls `onEscape`. */
export function watchKeys(dialog, onEscape) {
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab') {
      const target = wrapTarget(dialog.open ? dialog : document.body, document.activeElement, event.shiftKey);
      if (!target) return;
      event.preventDefault();
      target.focus();
    } else if (event.key === 'Escape' && !dialog.open) {
      event.preventDefault();
      onEscape();
    }
  });
}
