/* Calls to the simulator. Every answer is a 200 with either a step or {error}: a refused login is no transport error. */

const NO_ANSWER = {
  error: {
    error_type: 'API_ERROR', error_code: 'INTERNAL_SERVER_ERROR',
    error_message: 'an unexpected error occurred', display_message: null,
  },
  words: {
    title: 'The simulator is not answering',
    text: 'It may have been stopped. Check that it runs, then try again.',
    inline: false,
  },
  request_id: null,
};

/** POSTs `body` to /link/api/<name>; resolves to the parsed answer, never rejects. */
export async function post(name, body) {
  try {
    const answer = await fetch(`/link/api/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return await answer.json();
  } catch {
    return NO_ANSWER;
  }
}

/** Resolves to `promise`'s value, but not before `milliseconds`: a wait that flashes by looks like a fault. */
export async function atLeast(milliseconds, promise) {
  const [value] = await Promise.all([promise, new Promise((done) => { setTimeout(done, milliseconds); })]);
  return value;
}
