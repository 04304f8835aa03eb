// Creates and fills elements.

/** The page's element with this id. Every id used here is in index.html. */
export const byId = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Sets a text only if it differs, so that screen readers and selections are not disturbed. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Fills a <dl> with pairs, reusing its elements if the terms stay the same. */
export function fillTerms(list, pairs) {
  const terms = [...list.querySelectorAll("dt")].map((term) => term.textContent);
  if (terms.join("\n") !== pairs.map(([term]) => term).join("\n")) {
    list.replaceChildren(
      ...pairs.map(([term]) => element("div", {}, element("dt", { textContent: term }), element("dd"))),
    );
  }
  const values = list.querySelectorAll("dd");
  pairs.forEach(([, value], at) => setText(values[at], value));
}
