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
