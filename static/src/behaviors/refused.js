// A bank that has refused to renew a connection: what it says of it now may ask for something else than reconnecting.

import { send } from "./http.js";

/** Has the institution read at once; its resource, or null where nothing could be asked. */
export async function lookAfterRefusal(id) {
  try {
    return await send("post", `/financial-institutions/${id}/reconnected`, { refused: true });
  } catch {
    return null; // the next reading tells
  }
}
