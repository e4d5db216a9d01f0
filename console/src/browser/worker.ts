// Answers by an exported ONNX file, away from the page, so that the page stays quick.

import { answer as ranking, contentSize, toInput, type Rules } from "../../../examples/browser/preprocess.mjs";
import { detections } from "./boxes";
import { decode, Unusable } from "./decode";
import type { Asked, Said, Told } from "./messages";
import { runtime, type Session } from "./runtime";
import { segments } from "./segments";

type Opened = { session: Session; rules: Rules; labels: string[] };
let opened: { exportId: string; file: Promise<Opened> } | undefined;
let turn: Promise<void> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  turn = turn.then(() => answer(data)).then((told) => postMessage(told)); // one after the other: latencies are measured
});

async function answer({ id, file, model }: Asked): Promise<Told> {
  try {
    return { id, said: await say(file, await open(model.exportId), model.task) };
  } catch (error) {
    if (error instanceof Unusable) return { id, trouble: error.message };
    return { id, trouble: `This browser cannot run the file: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function say(file: Blob, { session, rules, labels }: Opened, task: Asked["model"]["task"]): Promise<Said> {
  const begun = performance.now();
  const { data, height, width } = await decode(file);
  if (rules.tiles && (height > rules.height * rules.tiles.shrink || width > rules.width * rules.tiles.shrink)) {
    throw new Unusable("The picture is several tiles of this model, which are not run here. Use infer.py of its bundle.");
  }
  const fit: Rules = rules.tiles ? { ...rules, fit: "letterbox" } : rules;
  const input = toInput(data, height, width, fit);
  const decoded = performance.now();
  const shape = [1, rules.mean.length, rules.height, rules.width];
  const { Tensor } = await runtime();
  const outputs = await session.run({ [rules.input]: new Tensor("float32", input, shape) });
  const ran = performance.now();
  const [first, second] = rules.output.split(", ").map((name) => outputs[name]?.data as Float32Array);
  const content = contentSize(height, width, fit);
  const image_size: [number, number] = [height, width];
  const about = { image_size, latency_ms: { decode: decoded - begun, model: ran - decoded, total: performance.now() - begun } };
  if (!first) throw new Error(`the network has no output ${rules.output}`);
  switch (task) {
    case "classification":
      return { task, top: ranking(first, labels), ...about };
    case "segmentation":
      return { task, labels, ...segments(first, labels, [rules.height, rules.width], content), ...about };
    case "detection":
      return { task, detections: detections(first, second ?? new Float32Array(), labels, content, image_size), ...about };
  }
}

/** The file of one export stays open: another one takes its place. */
async function open(exportId: string): Promise<Opened> {
  if (opened?.exportId !== exportId) {
    void opened?.file.then(({ session }) => session.release());
    opened = { exportId, file: load(exportId) };
  }
  try {
    return await opened.file;
  } catch (error) {
    opened = undefined;
    throw error;
  }
}

async function load(exportId: string): Promise<Opened> {
  const [model, rules, labels] = await Promise.all([
    fileOf(exportId, "model.onnx").then((answer) => answer.arrayBuffer()),
    fileOf(exportId, "preprocess.json").then((answer) => answer.json() as Promise<Rules>),
    fileOf(exportId, "labels.json").then((answer) => answer.json() as Promise<string[]>),
  ]);
  const { InferenceSession, Tensor } = await runtime();
  const session = await InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
  const shape = [1, rules.mean.length, rules.height, rules.width];
  const empty = new Float32Array(rules.mean.length * rules.height * rules.width);
  await session.run({ [rules.input]: new Tensor("float32", empty, shape) }); // the first run takes many times as long
  return { session, rules, labels };
}

async function fileOf(exportId: string, name: string): Promise<Response> {
  const answer = await fetch(`/v1/exports/${exportId}/files/${name}`);
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => undefined)) as { detail?: string } | undefined;
  throw new Unusable(problem?.detail ?? `The service answered with status ${answer.status} for ${name}. Try again.`);
}
