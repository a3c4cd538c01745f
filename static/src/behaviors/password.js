// Show and hide what is typed into a password field.

export function connectPassword(button) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  if (!input) return;
  const words = button.getAttribute("aria-label").replace(/^Show /, "");
  const set = (visible) => {
    input.type = visible ? "text" : "password";
    button.setAttribute("aria-pressed", String(visible));
    button.setAttribute("aria-label", `Show ${words}`);
    button.textContent = visible ? "Hide" : "Show";
  };
  button.hidden = false;
  button.addEventListener("click", () => set(input.type === "password"));
  // Hidden again on the way out, so that a password manager sees a password field.
  input.form.addEventListener("submit", () => set(false));
}
