/* Building and showing panes from the page's <template>s. Data becomes text (textContent), never markup. */

const stage = document.getElementById('stage');
const announcer = document.getElementById('announcer');
const byPointer = matchMedia('(hover: hover) and (pointer: fine)');

/** A fresh copy of <template id="name">'s only element. */
export function copy(name) {
  return document.getElementById(name).content.firstElementChild.cloneNode(true);
}

export function slot(pane, name) {
  return pane.querySelector(`[data-slot="${name}"]`);
}

/** A copy of a pane with its data-text places filled and its data-action buttons wired. */
export function build(name, { text = {}, actions = {} } = {}) {
  const pane = copy(`pane-${name}`);
  for (const place of pane.querySelectorAll('[data-text]')) place.textContent = text[place.dataset.text] ?? '';
  for (const button of pane.querySelectorAll('[data-action]')) {
    button.addEventListener('click', () => actions[button.dataset.action](button));
  }
  return pane;
}

/** Replaces the pane on screen. Focus goes to the field to fill in (with a mouse at hand) or to the heading. */
export function show(pane) {
  stage.replaceChildren(pane);
  const heading = pane.querySelector('h1');
  const field = byPointer.matches ? pane.querySelector('[data-autofocus]') : null;
  if (field) announce(heading.textContent);
  (field || heading).focus({ preventScroll: true });
}

/** Speaks a text through the polite live region. */
export function announce(text) {
  announcer.textContent = '';
  announcer.textContent = text;
}

/** Shows the alert of a form and returns focus to its first field. */
export function alertForm(form, text) {
  const box = form.querySelector('#form-error');
  box.textContent = text;
  box.hidden = false;
  const inputs = [...form.querySelectorAll('.box input, .choices input')];
  for (const input of inputs) {
    describe(input, box.id);
    if (input.type !== 'radio') input.setAttribute('aria-invalid', 'true');
  }
  box.closest('.pane').scrollTop = 0;
  if (inputs.length) inputs[0].focus({ preventScroll: true });
}

function describe(element, id) {
  const ids = new Set((element.getAttribute('aria-describedby') || '').split(' ').filter(Boolean));
  element.setAttribute('aria-describedby', [...ids.add(id)].join(' '));
}

/** Ties a problem text to a field (or group) and shows it; an empty text clears it. */
export function problem(holder, control, text) {
  const place = holder.querySelector('.problem');
  place.textContent = text;
  place.hidden = !text;
  if (text) {
    control.setAttribute('aria-describedby', place.id);
  } else {
    control.removeAttribute('aria-describedby');
  }
  if (control.tagName === 'INPUT') {
    if (text) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
  }
}

/** A labelled input. `field`: {name, label, secret?, numeric?}. */
export function inputField(field) {
  const holder = copy('part-field');
  const input = holder.querySelector('input');
  input.id = `field-${field.name}`;
  input.name = field.name;
  input.type = field.secret ? 'password' : 'text';
  if (field.numeric) {
    input.inputMode = 'numeric';
    input.autocomplete = 'one-time-code';
  }
  const label = holder.querySelector('label');
  label.htmlFor = input.id;
  label.textContent = field.label;
  holder.querySelector('.problem').id = `problem-${field.name}`;
  if (field.secret) holder.querySelector('.box').append(revealButton(input, field.label));
  return holder;
}

function revealButton(input, label) {
  const button = copy('part-reveal');
  const offer = (word) => {
    button.textContent = word;
    button.setAttribute('aria-label', `${word} ${label}`); // begins with what is seen, for those who speak commands
  };
  button.addEventListener('click', () => {
    const hidden = input.type === 'password';
    input.type = hidden ? 'text' : 'password';
    offer(hidden ? 'Hide' : 'Show');
  });
  offer('Show');
  return button;
}

/** A group of radio buttons. `field`: {name, label, options}. */
export function choiceField(field) {
  const group = copy('part-choices');
  group.querySelector('legend').textContent = field.label;
  group.querySelector('.problem').id = `problem-${field.name}`;
  for (const option of field.options) {
    const choice = copy('part-choice');
    const input = choice.querySelector('input');
    input.name = field.name;
    input.value = option;
    choice.querySelector('.words').textContent = option;
    group.querySelector('.rows').append(choice);
  }
  return group;
}

/** Fills a tile with the institution's logo, or with its initials on its colour. */
export function paintTile(tile, institution) {
  if (institution.logo) {
    const image = document.createElement('img');
    image.src = institution.logo;
    image.alt = '';
    tile.replaceChildren(image);
    return;
  }
  tile.textContent = institution.initials;
  tile.style.backgroundColor = institution.color;
  tile.style.color = institution.ink;
}

/** A hint with `code` marks: pieces between backticks are shown as code. */
export function setHint(place, text) {
  place.hidden = !text;
  place.replaceChildren(...text.split('`').map((piece, index) => {
    if (index % 2 === 0) return document.createTextNode(piece);
    const code = document.createElement('code');
    code.textContent = piece;
    return code;
  }));
}
