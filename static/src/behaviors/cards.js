// What the script needs to know of an institution's card; everything else is the server's markup.

export function idOf(card) {
  return card.dataset.institutionId;
}

export function urlOf(card) {
  return `/financial-institutions/${idOf(card)}`;
}

export function cardOf(id) {
  return document.querySelector(`[data-institution-id="${id}"]`);
}

export function nameOf(card) {
  return card.dataset.name;
}

const LONGEST = 80;

/** A name short enough for a question or a message: whole names are on the card. */
export function short(name) {
  const letters = [...name];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("").trimEnd()}…` : name;
}

/** A name inside a plain sentence: written in either direction, it leaves the words around it in their order. */
export function isolated(name) {
  return `\u2068${short(name)}\u2069`;
}
