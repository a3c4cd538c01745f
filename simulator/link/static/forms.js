/* The forms of Link: credentials, the second step, and the choice of accounts. */

import { alertForm, choiceField, copy, inputField, problem, setHint, slot } from './panes.js';

/** Calls submit(values) when every field is filled; otherwise says at each field what is missing. */
function wireFields(pane, fields, submit) {
  const form = pane.querySelector('form');
  const holders = fields.map((field) => (field.options ? choiceField(field) : inputField(field)));
  slot(pane, 'fields').replaceChildren(...holders);
  const first = holders[0].querySelector('input');
  first.dataset.autofocus = '';

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    form.querySelector('#form-error').hidden = true;
    const values = Object.fromEntries(new FormData(form));
    const missing = fields.filter((field, index) => {
      const empty = !values[field.name];
      const control = field.options ? holders[index] : holders[index].querySelector('input');
      problem(holders[index], control, empty ? field.missing : '');
      return empty;
    });
    if (missing.length) form.querySelector(`[name="${missing[0].name}"]`).focus();
    else submit(values);
  });

  // A refused login or answer comes back to the same form, with what was typed but the secrets.
  pane.addEventListener('refused', (event) => {
    for (const field of fields) if (field.secret) form.querySelector(`[name="${field.name}"]`).value = '';
    alertForm(form, event.detail);
  });
}

/** Username, password and what else the institution asks for. */
export function credentialForm(pane, { fields, hint, update }, submit) {
  slot(pane, 'update').hidden = !update;
  setHint(slot(pane, 'hint'), hint);
  wireFields(pane, fields, submit);
  const more = pane.querySelector('details');
  more.addEventListener('toggle', () => { if (more.open) more.scrollIntoView({ block: 'nearest' }); });
}

/** One round of the second step; calls submit with the answers in the order of the fields. */
export function mfaForm(pane, { fields, hint }, submit) {
  setHint(slot(pane, 'hint'), hint);
  wireFields(pane, fields, (values) => submit(fields.map((field) => values[field.name])));
}

function accountRow(account) {
  const row = copy('part-account');
  const box = row.querySelector('input');
  box.value = account.id;
  box.checked = account.ticked;
  row.querySelector('.name').textContent = account.name;
  row.querySelector('.kind').textContent = account.kind;
  return row;
}

/** The accounts, ticked as they come (all of them, for a new link); at least one must stay. Calls submit(ids). */
export function accountForm(pane, accounts, submit) {
  const form = pane.querySelector('form');
  const rows = accounts.map(accountRow);
  const boxes = rows.map((row) => row.querySelector('input'));
  const alert = form.querySelector('#form-error');
  const toggle = slot(pane, 'toggle');
  slot(pane, 'accounts').replaceChildren(...rows);

  function count() {
    const ticked = boxes.filter((box) => box.checked).length;
    slot(pane, 'count').textContent = `${ticked} of ${boxes.length} selected`;
    toggle.textContent = ticked ? 'Untick all' : 'Tick all';
    if (ticked) alert.hidden = true;
  }

  form.addEventListener('change', count);
  toggle.addEventListener('click', () => {
    const tick = !boxes.some((box) => box.checked);
    for (const box of boxes) box.checked = tick;
    count();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const ids = boxes.filter((box) => box.checked).map((box) => box.value);
    if (ids.length) {
      submit(ids);
      return;
    }
    alert.textContent = 'Choose at least one account.';
    alert.hidden = false;
    boxes[0].focus({ preventScroll: true });
    pane.scrollTop = 0;
  });
  count();
}
