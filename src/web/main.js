// Starts the page.

import { App } from "./app.js";

const wishes = new URL(location.href).searchParams;
new App().start({ source: wishes.get("source"), pipeline: wishes.get("pipeline") });
