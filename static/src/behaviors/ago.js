// Keeps "5 minutes ago" true on a page that stays open. The server wrote the first wording (filter `ago`).

const EVERY = 30_000;

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"} ago`;
}

/** The age of a moment in words, or null where the server's wording (a day, a date) stays right longer. */
export function ageInWords(then, now) {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return plural(minutes, "minute");
  if (minutes < 24 * 60) return plural(Math.floor(minutes / 60), "hour");
  return null;
}

function update() {
  for (const time of document.querySelectorAll('time[data-behavior~="ago"]')) {
    const words = ageInWords(new Date(time.dateTime).getTime(), Date.now());
    if (words && time.textContent !== words) time.textContent = words;
  }
}

/** Adds the exact moment in the reader's own words of date and time, for who points at the age. */
export function connectAgo(time) {
  time.title = new Date(time.dateTime).toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short" });
}

/** Starts one clock for all such elements of the page. */
export function startAges() {
  setInterval(update, EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || update());
}
