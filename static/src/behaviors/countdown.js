// A button that says when it may be used again: it counts the seconds down, then is idle.

import { setBusy } from "./busy.js";

export function countDown(button, seconds) {
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    if (!button.isConnected) return;
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) return setBusy(button, null);
    setBusy(button, `Again in ${left} s`);
    button.classList.remove("is-busy");
    setTimeout(tick, 1000);
  };
  tick();
}
