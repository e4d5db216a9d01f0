// The exported file in this browser, for pages: one worker, which lives as long as the page.

import { Refused } from "../lib/api";
import type { Asked, Said, Told } from "./messages";
import { ENTRY } from "./runtime";

/** Throws Refused where the service does not have the runtime; its problem says how it is installed. */
export async function requireRuntime(): Promise<void> {
  const answer = await fetch(ENTRY).catch(() => undefined);
  if (answer?.ok) return;
  const told = (await answer?.json().catch(() => undefined)) as { detail?: string } | undefined;
  const detail = told?.detail ?? "The service does not answer. Try again.";
  throw new Refused({ type: "about:blank", title: "", status: answer?.status ?? 0, detail, instance: "", code: "no_runtime", request_id: "", retryable: false, errors: [] });
}

export class Here {
  #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  #waiting = new Map<number, (told: Told) => void>();
  #next = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    };
  }

  /** What the file of an export says of a picture, or why it says nothing. */
  ask(file: Blob, model: Asked["model"]): Promise<{ said: Said } | { trouble: string }> {
    const id = this.#next++;
    const asked: Asked = { id, file, model };
    return new Promise((done) => {
      this.#waiting.set(id, done);
      this.#worker.postMessage(asked);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}
