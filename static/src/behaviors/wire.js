// Connects elements to behaviours: data-behavior="link" finds registry.link and calls it once with the element.

const connected = new WeakMap();

function connectOnce(element, name, connect) {
  const names = connected.get(element) ?? new Set();
  if (names.has(name)) return;
  names.add(name);
  connected.set(element, names);
  connect(element);
}

/** Connects every element in and under root whose behaviours the registry knows. */
export function wire(registry, root = document) {
  const found = [...root.querySelectorAll("[data-behavior]")];
  if (root instanceof Element && root.matches("[data-behavior]")) found.unshift(root);
  for (const element of found) {
    for (const name of element.dataset.behavior.split(" ")) {
      if (registry[name]) connectOnce(element, name, registry[name]);
    }
  }
}

/** Wires the page now, and each piece that is swapped in later. */
export function wirePage(registry) {
  wire(registry);
  document.addEventListener("cashview:piece", (event) => wire(registry, event.target));
}
