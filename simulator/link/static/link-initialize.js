/* SimLink: the simulator's stand-in for the script that defines window.Plaid.
 *
 * Same surface as the documented one: Plaid.create(config) -> {open, exit, destroy, submit}, Plaid.version, and the
 * callbacks onSuccess, onExit, onEvent, onLoad. The panes run in an iframe on the simulator's origin; the two sides
 * talk by postMessage, and each checks the other's window and origin on every message.
 *
 * The page that embeds this may forbid inline styles, so everything is styled through element.style (CSSOM).
 */
(() => {
  'use strict';

  const ORIGIN = new URL(document.currentScript.src).origin;
  const LOAD_LIMIT_MS = 15000;
  const Z_INDEX = '2147483000';
  let frames = 0;

  const style = (element, rules) => Object.assign(element.style, rules);
  const reducedMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
  const roomy = matchMedia('(min-width: 600px) and (min-height: 480px)');

  /** The overlay: a modal <dialog> (which makes the page behind inert) holding the frame. */
  function buildOverlay() {
    const dialog = document.createElement('dialog');
    dialog.setAttribute('aria-label', 'Connect a bank account');
    dialog.setAttribute('aria-modal', 'true');
    dialog.dataset.simlink = 'overlay';
    style(dialog, {
      all: 'initial', display: 'none', position: 'fixed', inset: '0', width: '100%', height: '100%',
      maxWidth: 'none', maxHeight: 'none', margin: '0', padding: '0', border: '0', outline: 'none',
      zIndex: Z_INDEX, placeItems: 'center', background: 'rgba(10, 20, 17, 0.55)',
    });
    const iframe = document.createElement('iframe');
    frames += 1;
    iframe.id = `simlink-iframe-${frames}`;
    iframe.title = 'SimLink: connect a bank account (simulation)';
    iframe.src = `${ORIGIN}/link/v2/stable/link.html?origin=${encodeURIComponent(location.origin)}`;
    style(iframe, { border: '0', display: 'block', colorScheme: 'normal' });
    dialog.append(iframe);
    return { dialog, iframe };
  }

  function fitFrame(iframe) {
    style(iframe, roomy.matches
      ? { width: '440px', height: 'min(700px, calc(100vh - 48px))', borderRadius: '16px',
          boxShadow: '0 24px 64px rgba(0, 0, 0, 0.28)' }
      : { width: '100%', height: '100%', borderRadius: '0', boxShadow: 'none' });
  }

  /** Stops the page behind from scrolling; returns the function that undoes it. */
  function lockScroll() {
    const root = document.documentElement;
    const before = { overflow: root.style.overflow, paddingRight: root.style.paddingRight };
    const scrollbar = window.innerWidth - root.clientWidth;
    style(root, { overflow: 'hidden' });
    if (scrollbar > 0) style(root, { paddingRight: `${scrollbar}px` });
    return () => style(root, before);
  }

  function fadeIn(dialog, iframe) {
    if (reducedMotion()) return;
    const timing = { duration: 150, easing: 'ease-out' };
    dialog.animate([{ opacity: 0 }, { opacity: 1 }], timing);
    iframe.animate([{ transform: 'translateY(8px)' }, { transform: 'none' }], timing);
  }

  /** After a callback that, say, enabled the opener again: focus goes there if it is nowhere. */
  function restoreFocus(element, dialog) {
    const active = document.activeElement;
    const nowhere = !active || active === document.body || dialog.contains(active); // the closed overlay
    if (nowhere && element && element.isConnected) element.focus();
  }

  function noAnswerError() {
    return {
      error_type: 'API_ERROR', error_code: 'INTERNAL_SERVER_ERROR',
      error_message: 'an unexpected error occurred', display_message: null,
    };
  }

  function create(config) {
    if (!config || !config.token) throw new Error('Plaid.create: a link token is required.');
    const call = (name, ...args) => { if (typeof config[name] === 'function') config[name](...args); };
    const { dialog, iframe } = buildOverlay();
    // loaded: the frame has looked at the token. wanted: open() came first. shown: the overlay is on screen.
    const is = { loaded: false, wanted: false, shown: false, destroyed: false };
    let unlock = () => {};
    let opener = null;
    let timer = 0;

    const send = (type, data = {}) => iframe.contentWindow && iframe.contentWindow.postMessage(
      { simlink: type, ...data }, ORIGIN);

    function show() {
      is.wanted = false;
      is.shown = true;
      unlock = lockScroll();
      fitFrame(iframe);
      style(dialog, { display: 'grid' });
      dialog.showModal();
      fadeIn(dialog, iframe);
      iframe.focus();
      send('open');
    }

    function hide() {
      if (!is.shown) return;
      is.shown = false;
      style(dialog, { display: 'none' });
      if (dialog.open) dialog.close(); // which also gives focus back to where it was
      unlock();
    }

    function finish(callback) {
      const back = opener;
      clearTimeout(timer);
      is.wanted = false;
      hide();
      try { callback(); } finally { restoreFocus(back, dialog); }
    }

    const handlers = {
      ready: () => send('start', { token: config.token, receivedRedirectUri: config.receivedRedirectUri || null }),
      loaded: () => {
        if (is.loaded) return;
        is.loaded = true;
        clearTimeout(timer);
        call('onLoad');
        if (is.wanted) show();
      },
      event: ({ name, metadata }) => call('onEvent', name, metadata),
      redirect: ({ path }) => { if (path.startsWith('/link/oauth/')) location.assign(ORIGIN + path); },
      exit: ({ error, metadata }) => finish(() => call('onExit', error, metadata)),
      success: ({ publicToken, metadata }) => finish(() => call('onSuccess', publicToken, metadata)),
    };

    function onMessage(message) {
      if (message.origin !== ORIGIN || message.source !== iframe.contentWindow) return;
      const data = message.data;
      if (data && Object.hasOwn(handlers, data.simlink)) handlers[data.simlink](data);
    }

    const refit = () => fitFrame(iframe);
    const askLeave = (event) => { event.preventDefault(); send('ask-leave'); };
    window.addEventListener('message', onMessage);
    roomy.addEventListener('change', refit);
    dialog.addEventListener('cancel', askLeave);
    dialog.addEventListener('keydown', (event) => { if (event.key === 'Escape') askLeave(event); });
    // A click on the dimmed page must not take the keyboard out of the frame.
    dialog.addEventListener('mousedown', (event) => event.preventDefault());
    // If the browser closes the dialog by itself, the session still ends with its callback.
    dialog.addEventListener('close', () => { if (is.shown) send('leave'); });
    (document.body || document.documentElement).append(dialog);

    function exitUnloaded(error) {
      finish(() => call('onExit', error, {
        institution: null, status: null, link_session_id: null, request_id: null,
      }));
    }

    return {
      open() {
        if (is.destroyed || is.shown || is.wanted) return;
        opener = document.activeElement;
        if (is.loaded) { show(); return; }
        is.wanted = true;
        timer = setTimeout(() => exitUnloaded(noAnswerError()), LOAD_LIMIT_MS);
      },
      exit(options) {
        if (is.wanted) exitUnloaded(null);
        if (!is.shown) return;
        send(options && options.force ? 'leave' : 'ask-leave');
      },
      destroy() {
        if (is.destroyed) return;
        is.destroyed = true;
        is.wanted = false;
        clearTimeout(timer);
        hide();
        window.removeEventListener('message', onMessage);
        roomy.removeEventListener('change', refit);
        dialog.remove();
      },
      /** Returning-user phone numbers: the simulator has no such pane, so there is nothing to do with one. */
      submit() {},
    };
  }

  window.Plaid = Object.freeze({ create, version: '2.0.0', simulated: true });
})();
