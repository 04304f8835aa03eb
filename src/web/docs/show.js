// OpenAPI and AsyncAPI documents as elements.

import { exampleOf } from "./example.js";

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const json = (value) => element("pre", { tabIndex: 0, textContent: JSON.stringify(value, null, 2) });

const table = (rows) =>
  element("table", {}, element("tbody", {}, ...rows.map((cells) =>
    element("tr", {}, ...cells.map((cell) => element("td", {}, cell))))));

const code = (text) => element("code", { textContent: text });

/** A card for each HTTP path and method. */
export function showPathsOf(openapi) {
  return Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => pathCard(openapi, path, method, operation)));
}

function pathCard(openapi, path, method, operation) {
  const title = element("h3", {},
    element("span", { className: "method", textContent: method.toUpperCase() }), code(path));
  const card = element("div", { className: "card" }, title,
    element("p", { textContent: operation.summary ?? "" }));
  const parameters = operation.parameters ?? [];
  if (parameters.length > 0) {
    card.append(element("h3", { textContent: "Query" }),
      table(parameters.map(({ name, description }) => [code(name), description ?? ""])));
  }
  const responses = Object.entries(operation.responses);
  card.append(element("h3", { textContent: "Answers" }),
    table(responses.map(([status, { description }]) => [code(status), description])));
  const content = operation.responses["200"]?.content?.["application/json"];
  const example = content?.example ?? exampleOf(content?.schema, openapi);
  if (example !== undefined) card.append(json(example));
  return card;
}

/** A card for each message of the WebSocket, the client's first. */
export function showMessagesOf(asyncapi) {
  const operations = Object.values(asyncapi.operations);
  const sender = { receive: "client", send: "server" };
  return operations
    .toSorted((left, right) => left.action.localeCompare(right.action))
    .flatMap(({ action, messages }) => messages.map(({ $ref }) => {
      const message = asyncapi.components.messages[$ref.split("/").pop()];
      const title = element("h3", {}, `${message.title}, from the ${sender[action]}`);
      const card = element("div", { className: "card" }, title,
        element("p", { textContent: message.summary }));
      (message.examples ?? []).forEach(({ payload }) => card.append(json(payload)));
      return card;
    }));
}

/** The codes with which the server closes a session. */
export function showClosesOf(stream) {
  return table(stream["x-close-codes"].map(({ code: number, reason }) => [code(number), reason]));
}
