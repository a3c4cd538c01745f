/* The form for a switch shows only the fields that mean something for the chosen kind. Without scripts all of them
   are there, and those of other kinds are passed over. */

const form = document.querySelector('[data-add]');

/** Whether a list of kinds, separated by spaces, names this one. */
function names(list, kind) {
  return list.split(' ').includes(kind);
}

/** Shows or hides a part of the form; what is hidden is not sent. */
function show(part, shown) {
  part.hidden = !shown;
  for (const control of part.matches('option, optgroup') ? [part] : part.querySelectorAll('input, select')) {
    control.disabled = !shown;
  }
}

function update() {
  const kind = form.elements.kind.value;
  for (const part of form.querySelectorAll('[data-for]')) show(part, names(part.dataset.for, kind));
  for (const part of form.querySelectorAll('[data-not-for]')) show(part, !names(part.dataset.notFor, kind));
  if (form.elements.lasts.value === '' || form.querySelector('[name=lasts]:checked')?.disabled) {
    form.querySelector('[name=lasts]').checked = true;
  }
  const where = form.elements.where;
  if (where.selectedOptions[0]?.closest('[hidden]')) {
    where.value = [...where.options].find((option) => !option.closest('[hidden]'))?.value ?? '';
  }
}

/** Typing a number chooses what it belongs to. */
function choose(event) {
  event.target.closest('span.choice')?.querySelector('[type=radio]')?.click();
}

form.elements.kind.addEventListener('change', update);
for (const name of ['times', 'minutes']) form.elements[name].addEventListener('focus', choose);
update();
