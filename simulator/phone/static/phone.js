/* The phone page by itself: new texts and statuses come in, and replies go out without a reload. */

const EVERY_MS = 1500;
const main = document.querySelector('main');
const log = document.getElementById('log');
const silent = document.getElementById('silent');
let etag = null;

/** Makes `list` show the children in `html`, which the server rendered; what is the same stays untouched. */
function show(list, html) {
  const fresh = document.createElement('template');
  fresh.innerHTML = html;
  const focused = list.contains(document.activeElement) ? document.activeElement.closest('[id]').id : null;
  const wanted = [...fresh.content.children];
  const ids = new Set(wanted.map((each) => each.id));
  [...list.children].filter((each) => !ids.has(each.id)).forEach((each) => each.remove());
  wanted.forEach((each, index) => place(list, each, index));
  if (focused && focused !== list.id && !list.contains(document.activeElement)) {
    document.querySelector(`#${focused} a`)?.focus();
  }
}

function place(list, fresh, index) {
  const old = document.getElementById(fresh.id);
  const node = old && old.isEqualNode(fresh) ? old : fresh;
  if (old && node !== old) old.replaceWith(node);
  if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
}

function atTheEnd() {
  return log !== null && log.scrollHeight - log.scrollTop - log.clientHeight < 40;
}

function toTheEnd() {
  if (log) log.scrollTop = log.scrollHeight;
}

/** Asks what is new; a page without any conversation is loaded again once there is one. */
async function refresh() {
  const query = main.dataset.number ? `?to=${encodeURIComponent(main.dataset.number)}` : '';
  const answer = await fetch(`/phone/updates${query}`, { headers: etag ? { 'If-None-Match': etag } : {} });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(`updates: ${answer.status}`);
  const { html, number } = await answer.json();
  if (number && !main.dataset.number) {
    window.location.reload();
    return;
  }
  etag = answer.headers.get('ETag');
  const follow = atTheEnd();
  for (const [name, part] of Object.entries(html)) {
    const list = document.getElementById(name);
    if (list) show(list, part);
  }
  if (follow) toTheEnd();
}

async function quietly(work) {
  try {
    await work();
    silent.hidden = true;
  } catch {
    silent.hidden = false;
  }
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  await quietly(async () => {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const answer = await fetch(form.action, { method: 'POST', body, redirect: 'manual' });
    if (answer.type !== 'opaqueredirect') throw new Error(`reply: ${answer.status}`);
    form.reset();
    await refresh();
    toTheEnd();
  });
}

document.querySelectorAll('form').forEach((form) => form.addEventListener('submit', send));
toTheEnd();
setInterval(() => { if (!document.hidden) quietly(refresh); }, EVERY_MS);
