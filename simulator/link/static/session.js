/* What the frame knows about the running session, and the callbacks' metadata made from it. */

import { tell } from './bridge.js';

export const session = {
  token: null, back: {}, id: null, client: 'This app', update: false, institution: null, query: null,
  error: null, status: null, requestId: null,
};

/** Starts over for a new opening of Link; the token stays. */
export function resetSession(started) {
  Object.assign(session, {
    id: started.session, client: started.client_name, update: started.update_mode,
    institution: started.institution, query: null, error: null, status: null, requestId: started.request_id,
  });
}

/** onEvent, with every documented key present (null where it does not apply). */
export function event(name, details = {}) {
  const institution = session.institution;
  tell('event', {
    name,
    metadata: {
      account_number_mask: null, error_type: null, error_code: null, error_message: null, exit_status: null,
      institution_id: institution ? institution.institution_id : null,
      institution_name: institution ? institution.name : null,
      institution_search_query: null, is_update_mode: String(session.update), link_session_id: session.id,
      match_reason: null, mfa_type: null, request_id: session.requestId, routing_number: null, selection: null,
      timestamp: new Date().toISOString(), view_name: null, ...details,
    },
  });
}

export function view(name, details = {}) {
  event('TRANSITION_VIEW', { view_name: name, ...details });
}

/** Remembers the error a person met and reports it. */
export function met(error) {
  session.error = error;
  event('ERROR', errorKeys(error));
}

function errorKeys(error) {
  return error
    ? { error_type: error.error_type, error_code: error.error_code, error_message: error.error_message }
    : {};
}

function plainInstitution() {
  const institution = session.institution;
  return institution ? { name: institution.name, institution_id: institution.institution_id } : null;
}

/** Ends the session without a connection: EXIT, then onExit. */
export function leave() {
  event('EXIT', { exit_status: session.status, ...errorKeys(session.error) });
  tell('exit', {
    error: session.error,
    metadata: {
      institution: plainInstitution(), status: session.status,
      link_session_id: session.id, request_id: session.requestId,
    },
  });
}

/** Ends the session with a connection: HANDOFF, then onSuccess. `result` is the answer of /link/api/finish. */
export function handOff(result) {
  event('HANDOFF');
  tell('success', { publicToken: result.public_token, metadata: result.metadata });
}
