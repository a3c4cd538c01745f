// Axios with the page's CSRF token; every failure becomes one sentence a person can read.

import axios from "axios";

const OFFLINE = "CashView could not be reached. Check your connection and try again.";
const SLOW = "This takes longer than it should. Reload the page in a moment to see where it stands.";
const STRANGE = "Something went wrong here. Nothing was lost; please try again in a moment.";

const client = axios.create({
  timeout: 35_000,
  // JSON first: pages that are also JSON answer by Accept.
  headers: { Accept: "application/json", "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "" },
});

/** What went wrong: message is ready to show; status is 0 without an answer; retryAfter is in seconds or null. */
export class Trouble extends Error {
  constructor(message, { status = 0, code = "", retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

function toTrouble(error) {
  const { response } = error;
  if (!response) return new Trouble(error.code === "ECONNABORTED" ? SLOW : OFFLINE);
  const { code = "", message = STRANGE } = response.data?.error ?? {};
  const seconds = Number.parseInt(response.headers["retry-after"], 10);
  return new Trouble(message, {
    status: response.status,
    code,
    retryAfter: Number.isFinite(seconds) ? seconds : null,
  });
}

/** Sends a request and gives its JSON (or the text of what `accept` names); throws Trouble. A session that ended leads
    to the log-in page. */
export async function send(method, url, data, accept) {
  const headers = accept ? { Accept: accept } : {};
  try {
    return (await client.request({ method, url, data, headers })).data;
  } catch (error) {
    const trouble = toTrouble(error);
    if (trouble.status === 401) window.location.assign("/login");
    throw trouble;
  }
}
