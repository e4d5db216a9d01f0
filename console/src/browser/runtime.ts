// onnxruntime-web, which the service hands out where it was installed (api/browser_runtime.py). Loaded by nobody who did
// not ask for it. Only what is used here is typed.

export type Tensor = { data: unknown; dims: readonly number[] };
export type Session = {
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
};
type Runtime = {
  env: { wasm: { numThreads: number; wasmPaths: { mjs: string; wasm: string } } };
  Tensor: new (type: "float32", data: Float32Array, shape: number[]) => Tensor;
  InferenceSession: { create(model: Uint8Array, options: { executionProviders: ["wasm"] }): Promise<Session> };
};

const PLACE = "/ui/runtime/";
let loaded: Promise<Runtime> | undefined;

/** Where the runtime begins; a request for it says what to do where the service does not have it. */
export const ENTRY = `${PLACE}ort.wasm.min.mjs`;

export function runtime(): Promise<Runtime> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Runtime> {
  const at = (name: string): string => new URL(PLACE + name, location.origin).href;
  const found = (await import(/* @vite-ignore */ new URL(ENTRY, location.origin).href)) as Runtime;
  found.env.wasm.wasmPaths = { mjs: at("ort-wasm-simd-threaded.mjs"), wasm: at("ort-wasm-simd-threaded.wasm") };
  found.env.wasm.numThreads = 1; // as the api, so that the two latencies can be compared
  return found;
}
