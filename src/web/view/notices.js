// Notices above the image about what went wrong: at most one each for the source, the connection and
// the frames.

import { element } from "./dom.js";

export class Notices {
  #root;
  #shown = new Map(); // slot → { problem, notice }
  #actions;

  /**
   * @param actions `retry(problem)`, `playDemo()`
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
  }

  /** @param problem from `describeProblem`. One that is already shown stays, and is not read out twice. */
  show(slot, problem) {
    const shown = this.#shown.get(slot)?.problem;
    if (shown?.code === problem.code && shown.advice === problem.advice) return;
    this.clear(slot);
    const notice = this.#build(slot, problem);
    this.#shown.set(slot, { problem, notice });
    this.#root.append(notice);
  }

  clear(slot) {
    this.#shown.get(slot)?.notice.remove();
    this.#shown.delete(slot);
  }

  #build(slot, problem) {
    const button = (text, act, kind = "") => {
      const made = element("button", { type: "button", className: `button ${kind}`, textContent: text });
      made.addEventListener("click", () => {
        this.clear(slot);
        act();
      });
      return made;
    };
    const buttons = [button(problem.retryLabel, () => this.#actions.retry(problem), "primary")];
    if (slot === "source" && !problem.isDemoPlaying) buttons.push(button("Play the demo", () => this.#actions.playDemo()));
    if (slot === "frames" || problem.isDemoPlaying) buttons.push(button("Dismiss", () => {}));
    const notice = element(
      "div",
      { className: "notice", role: "alert" },
      element("h2", { textContent: problem.title }),
      element("p", { textContent: problem.advice }),
      element("div", { className: "row" }, ...buttons),
    );
    notice.dataset.code = problem.code;
    notice.dataset.tone = problem.isDemoPlaying ? "mild" : "grave";
    return notice;
  }
}
