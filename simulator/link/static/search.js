/* The institution list with its search field. */

import { post } from './api.js';
import { copy, paintTile, slot } from './panes.js';
import { event, session } from './session.js';

const PAUSE_MS = 150;

function row(institution, choose) {
  const item = copy('part-institution');
  item.querySelector('.name').textContent = institution.name;
  item.querySelector('.host').textContent = institution.host;
  paintTile(item.querySelector('.tile'), institution);
  item.querySelector('button').addEventListener('click', () => choose(institution));
  return item;
}

function countText(count, query) {
  if (!count) return `No institution matches “${query}”`;
  return count === 1 ? '1 institution' : `${count} institutions`;
}

/** Fills `pane` and keeps it in step with what is typed; calls choose(institution, query). */
export function institutionSearch(pane, choose) {
  const input = pane.querySelector('input');
  const list = slot(pane, 'institutions');
  const nothing = slot(pane, 'nothing');
  let latest = 0;
  let timer = 0;

  async function look() {
    latest += 1;
    const mine = latest;
    const query = input.value.trim();
    if (query) event('SEARCH_INSTITUTION', { institution_search_query: query });
    const answer = await post('institutions', { session: session.id, query });
    if (mine !== latest || !pane.isConnected) return; // an older answer must not overwrite a newer one
    const found = answer.institutions || [];
    list.replaceChildren(...found.map((institution) => row(institution, (chosen) => choose(chosen, query))));
    list.hidden = !found.length;
    nothing.hidden = found.length > 0;
    nothing.querySelector('[data-text="nothing"]').textContent = `Nothing found for “${query}”.`;
    slot(pane, 'count').textContent = countText(found.length, query);
  }

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  input.addEventListener('keydown', (key) => {
    // Escape empties a filled search field first; only an empty one lets it through to "leave?".
    if (key.key !== 'Escape' || !input.value) return;
    key.preventDefault();
    key.stopPropagation();
    input.value = '';
    look();
  });
  pane.querySelector('form').addEventListener('submit', (submit) => {
    submit.preventDefault();
    clearTimeout(timer);
    look();
  });
  look();
}
