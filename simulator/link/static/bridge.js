/* The frame's side of the conversation with the page that embeds it.
 *
 * The embedder's origin is in the frame's address and was checked by the server; the server also lets only that
 * origin frame the page. Messages go to that origin alone, and are taken from that window and origin alone.
 */

const embedder = document.body.dataset.embedder;

/** Sends one message to the embedding page. */
export function tell(type, data = {}) {
  window.parent.postMessage({ simlink: type, ...data }, embedder);
}

/** Calls handlers[type](message) for every message that really comes from the embedding page. */
export function listen(handlers) {
  window.addEventListener('message', (message) => {
    if (message.source !== window.parent || message.origin !== embedder) return;
    const data = message.data;
    if (data && Object.hasOwn(handlers, data.simlink)) handlers[data.simlink](data);
  });
}

export const embedded = window.parent !== window;
