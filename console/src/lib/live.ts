// One stream of the service for all tabs: browsers allow six connections a host. The tab that holds the lock reads it,
// and says what it hears to the others.

export type Told = { name: string; data: { job_id?: string; seq?: number; data?: Record<string, unknown> } };
type Hear = (told: Told) => void;

const NAME = "patchswap-events";
const NAMES = ["ready", "heartbeat", "progress", "metrics", "status", "phase", "notice", "checkpoint", "evaluation", "export", "attempt", "request"];
const AGAIN_MS = 3000;
const SILENCE_MS = 40_000; // beats come every 15 s
const channel = new BroadcastChannel(NAME);
const hearers = new Set<Hear>();
let heardAt = -Infinity;

channel.onmessage = (message: MessageEvent<Told>) => hear(message.data);

/** Whether the stream said something lately; pages ask by the clock where it did not. */
export function isLive(): boolean {
  return performance.now() - heardAt < SILENCE_MS;
}

/** Calls `one` with what comes; gives the end of it. `ready` says that something may have been missed. */
export function listen(one: Hear): () => void {
  hearers.add(one);
  return () => hearers.delete(one);
}

/** Keeps the stream while somebody is logged in; gives the end of it. */
export function follow(): () => void {
  const end = new AbortController();
  navigator.locks.request(NAME, { signal: end.signal }, () => read(end.signal)).catch((error: unknown) => {
    if (!end.signal.aborted) throw error;
  });
  return () => end.abort();
}

async function read(end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    await readOnce(end);
    if (!end.aborted) await new Promise((go) => setTimeout(go, AGAIN_MS));
  }
}

/** Until it is refused, silent or no longer wanted. A browser comes back by itself to an api that was away. */
function readOnce(end: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const source = new EventSource("/v1/events/stream");
    const finish = (): void => {
      source.close();
      clearTimeout(silence);
      end.removeEventListener("abort", finish);
      done();
    };
    let silence = setTimeout(finish, SILENCE_MS);
    for (const name of NAMES) {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        clearTimeout(silence);
        silence = setTimeout(finish, SILENCE_MS);
        const told = { name, data: JSON.parse(message.data) as Told["data"] };
        channel.postMessage(told);
        hear(told);
      });
    }
    source.onerror = () => source.readyState === EventSource.CLOSED && finish();
    end.addEventListener("abort", finish);
  });
}

function hear(told: Told): void {
  heardAt = performance.now();
  for (const one of hearers) one(told);
}
