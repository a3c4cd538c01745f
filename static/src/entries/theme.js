// The theme: auto follows the system, light and dark are remembered in this browser.
// The one blocking, classic script of the page: it runs before the first paint, so nothing flashes. Therefore it
// imports and exports nothing (a module's import would make it late) and keeps its names to itself.

(() => {
  const KEY = "cashview.theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : "auto";
    } catch {
      return "auto";
    }
  }

  function remember(value) {
    try {
      if (value === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, value);
    } catch {
      // Without storage the choice holds for this page.
    }
  }

  function apply(value) {
    const theme = value === "auto" ? (dark.matches ? "dark" : "light") : value;
    document.documentElement.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("cashview:theme", { detail: { theme } }));
  }

  function show(group, value) {
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === value));
    }
  }

  /** Connects the group of three buttons in the footer. */
  function connect(group) {
    show(group, chosen());
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      remember(button.value);
      apply(button.value);
      show(group, button.value);
    });
  }

  apply(chosen());
  dark.addEventListener("change", () => apply(chosen()));
  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll('[data-behavior="theme"]')) connect(group);
  });
})();
