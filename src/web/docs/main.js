// Shows the published documents and lets people try POST /infer.

import { getJson, postJpeg } from "./server.js";
import { showClosesOf, showMessagesOf, showPathsOf } from "./show.js";

const part = (id) => document.getElementById(id);

async function showDocuments() {
  const [openapi, asyncapi] = await Promise.all([getJson("openapi.json"), getJson("asyncapi.json")]);
  part("version").textContent = `version ${openapi.info.version}`;
  const stream = asyncapi.channels.stream;
  part("address").textContent = stream.address;
  part("stream-about").textContent = asyncapi.info.description;
  part("paths").replaceChildren(...showPathsOf(openapi));
  part("messages").replaceChildren(...showMessagesOf(asyncapi));
  part("closes").replaceChildren(showClosesOf(stream));
}

async function offerPipelines() {
  const { pipelines } = await getJson("pipelines");
  part("try-pipeline").replaceChildren(...pipelines.map(({ id, name }) => new Option(name, id)));
}

function showProblem(problem) {
  part("problem").textContent = `This page cannot be shown whole: ${problem.message}`;
  part("problem").hidden = false;
}

part("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = part("try-file").files;
  part("answer").hidden = false;
  part("answer-status").textContent = "Waiting …";
  part("answer-body").textContent = "";
  try {
    const { status, timing, body } = await postJpeg(file, part("try-pipeline").value);
    part("answer-status").textContent = timing ? `${status}; milliseconds: ${timing}` : status;
    part("answer-body").textContent = body;
  } catch (problem) {
    part("answer-status").textContent = `No answer: ${problem.message}`;
  }
});

showDocuments().catch(showProblem);
offerPipelines().catch(showProblem);
