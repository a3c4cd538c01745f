/* The flow of panes: which one is next, what is asked of the simulator, what is reported to the embedding page. */

import { embedded, listen, tell } from './bridge.js';
import { atLeast, post } from './api.js';
import { watchKeys } from './keys.js';
import { announce, build, paintTile, show } from './panes.js';
import { accountForm, credentialForm, mfaForm } from './forms.js';
import { institutionSearch } from './search.js';
import { event, handOff, leave, met, resetSession, session, view } from './session.js';

const MOMENT_MS = 400;
const back = document.getElementById('back');
const leaveDialog = document.getElementById('leave');

let started = null; // the simulator's answer about the token, until an opening of Link uses it
let run = 0; // grows when a session ends, so that late answers of the old one are dropped
let goBack = null;
let current = null; // the pane on screen with its options
let lastForm = null; // the same of the form that was submitted, to return to after an inline error
let finished = null; // the answer of /link/api/finish, once there is one

/** Shows a pane. `status` is what onExit would report from here; a pane without one keeps the last. */
function place(pane, options = {}) {
  const { name, details, status, onBack = null } = options;
  if (name) view(name, details);
  if (status !== undefined) session.status = status;
  current = { pane, options };
  goBack = onBack;
  back.hidden = !onBack;
  const tile = pane.querySelector('.at .tile');
  if (tile) paintTile(tile, session.institution);
  show(pane);
}

function names() {
  return { client: session.client, institution: session.institution ? session.institution.name : '' };
}

/** In update mode the institution is given; there is no list to go back to. */
function backToList() {
  return session.update ? null : selectInstitution;
}

// Panes, in the order a person meets them

function consent() {
  place(build('consent', { text: names(), actions: { continue: selectInstitution } }),
    { name: 'CONSENT', status: null });
}

function selectInstitution() {
  session.institution = null;
  session.error = null;
  const pane = build('select', { actions: { unlisted } });
  place(pane, { name: 'SELECT_INSTITUTION', status: 'institution_not_found' });
  institutionSearch(pane, chooseInstitution);
}

function unlisted() {
  place(build('unlisted', { actions: { again: selectInstitution, exit: end } }),
    { status: 'institution_not_found', onBack: selectInstitution });
}

async function chooseInstitution(institution, query) {
  session.institution = institution;
  event('SELECT_INSTITUTION', { institution_search_query: query || null });
  session.status = institution.oauth ? 'requires_oauth' : 'requires_credentials';
  await ask('select', { institution_id: institution.institution_id }, `Opening ${institution.name}…`, 0);
}

function credentials(answer) {
  const pane = build('credentials', { text: names() });
  credentialForm(pane, { ...answer, update: session.update }, (values) => {
    event('SUBMIT_CREDENTIALS');
    lastForm = current;
    ask('credentials', values, `Connecting to ${session.institution.name}…`);
  });
  place(pane, { name: 'CREDENTIAL', status: 'requires_credentials', onBack: backToList() });
}

function oauth() {
  event('OPEN_OAUTH');
  const decide = (granted) => {
    event(granted ? 'CLOSE_OAUTH' : 'FAIL_OAUTH');
    ask('oauth', { granted }, `Connecting to ${session.institution.name}…`);
  };
  place(build('oauth', { text: names(), actions: { allow: () => decide(true), deny: () => decide(false) } }),
    { name: 'OAUTH', status: 'requires_oauth', onBack: backToList() });
}

const MFA_STATUS = {
  code: 'requires_code', device: 'choose_device', questions: 'requires_questions', selections: 'requires_selections',
};

function mfa(answer) {
  const type = answer.mfa_type;
  const pane = build('mfa', { text: { title: answer.title, lead: answer.lead } });
  mfaForm(pane, answer, (answers) => {
    event('SUBMIT_MFA', { mfa_type: type });
    lastForm = current;
    ask('mfa', { answers }, 'Checking your answer…');
  });
  place(pane, { name: 'MFA', details: { mfa_type: type }, status: MFA_STATUS[type], onBack: backToList() });
}

function accounts(answer) {
  session.error = null;
  const pane = build('accounts', { text: names() });
  accountForm(pane, answer.accounts, (ids) => ask('finish', { accounts: ids }, 'Connecting your accounts…'));
  place(pane, { name: 'SELECT_ACCOUNT', status: 'requires_account_selection' });
}

function connected(answer) {
  session.error = null;
  finished = answer;
  place(build('connected', { text: { summary: answer.summary }, actions: { finish: succeed } }), { name: 'CONNECTED' });
}

function loading(title) {
  place(build('loading', { text: { title } }), { name: 'LOADING' });
}

function failure(answer) {
  const again = session.update ? () => ask('select', { institution_id: session.institution.institution_id }, '…', 0)
    : selectInstitution;
  const pane = build('error', {
    text: { ...answer.words, code: answer.error.error_code }, actions: { another: again, exit: end },
  });
  if (session.update) pane.querySelector('[data-action="another"]').textContent = 'Try again';
  place(pane, { name: 'ERROR', status: answer.status });
}

// Between the panes

function finishWith(answer) {
  ask('finish', { accounts: answer.accounts }, 'Connecting your accounts…');
}

/** The bank signs people in on a page of its own: the embedding page is taken there. */
function redirect(answer) {
  event('OPEN_OAUTH');
  loading(`Opening ${session.institution.name}…`);
  tell('redirect', { path: answer.path });
}

const STEPS = { credentials, oauth, redirect, mfa, accounts, finish: finishWith, done: connected };

/** Asks the simulator for the next step and shows it; `moment` is the least time the loading pane stays. */
async function ask(name, body, title, moment = MOMENT_MS) {
  const mine = run;
  if (moment) loading(title);
  const answer = await atLeast(moment, post(name, { session: session.id, ...body }));
  if (mine !== run) return;
  session.requestId = answer.request_id;
  if (!answer.error) {
    STEPS[answer.step](answer);
  } else {
    refused(answer);
  }
}

function refused(answer) {
  met(answer.error);
  if (answer.error.error_code === 'INVALID_LINK_TOKEN') {
    end();
  } else if (answer.words.inline && lastForm) {
    place(lastForm.pane, lastForm.options);
    lastForm.pane.dispatchEvent(new CustomEvent('refused', { detail: answer.words.text }));
  } else {
    failure(answer);
  }
}

// Beginning and end

async function begin() {
  run += 1;
  const mine = run;
  finished = null;
  lastForm = null;
  const answer = started || await post('start', { link_token: session.token, ...session.back });
  if (mine !== run) return;
  started = null;
  resetSession(answer);
  event('OPEN');
  if (answer.error) {
    met(answer.error);
    end();
  } else if (answer.resumed) {
    event('CLOSE_OAUTH');
    ask('oauth', { granted: true }, `Connecting to ${session.institution.name}…`);
  } else if (session.update) {
    ask('select', { institution_id: session.institution.institution_id }, `Opening ${session.institution.name}…`, 0);
  } else {
    consent();
  }
}

function clear() {
  run += 1;
  if (leaveDialog.open) leaveDialog.close();
  back.hidden = true;
  document.getElementById('stage').replaceChildren();
}

function end() {
  leave();
  clear();
}

function succeed() {
  handOff(finished);
  clear();
}

/** Close, Escape and exit(): a finished connection is handed over; anything else asks first. */
function askLeave() {
  if (finished) succeed();
  else if (!leaveDialog.open) leaveDialog.showModal();
}

async function check({ token, receivedRedirectUri }) {
  session.token = token;
  session.back = receivedRedirectUri ? { received_redirect_uri: receivedRedirectUri } : {};
  started = await post('start', { link_token: token, ...session.back });
  tell('loaded');
}

back.addEventListener('click', () => goBack && goBack());
document.getElementById('close').addEventListener('click', askLeave);
document.getElementById('stay').addEventListener('click', () => leaveDialog.close());
document.getElementById('go').addEventListener('click', end);
watchKeys(leaveDialog, askLeave);
listen({ start: check, open: begin, 'ask-leave': askLeave, leave: () => (finished ? succeed() : end()) });

if (embedded) tell('ready');
else announce('This page works inside the app that opens it.');
