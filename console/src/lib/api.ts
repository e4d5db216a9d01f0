// The one way to the service: typed by docs/openapi.json, with the page's token on everything that changes something.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["ProblemDetails"];

const TOKEN = "X-Patchswap-Token";
let pageToken = "";

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export const api = createClient<paths>({ baseUrl: "/" });

api.use({
  onRequest({ request }) {
    if (request.method !== "GET") {
      request.headers.set(TOKEN, pageToken);
      if (request.method === "POST") request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    return request;
  },
});

/** The data of an answer, or what the service said against it. */
export async function said<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch(() => {
    throw new Refused(unreachable());
  });
  if (!response.ok) throw new Refused(isProblem(error) ? error : unreachable(response.status));
  return data as T;
}

export async function logIn(by: { key: string } | { link: string }): Promise<void> {
  const headers = "key" in by ? { Authorization: `Bearer ${by.key}` } : {};
  const body = "link" in by ? { link: by.link } : {};
  const session = await said(api.POST("/v1/sessions", { body, headers }));
  pageToken = session.page_token;
}

/** Who is logged in; null where nobody is. */
export async function whoAmI(): Promise<Schemas["Me"] | null> {
  const { data, response } = await api.GET("/v1/me");
  if (response.status === 401 || data === undefined || data.session === null) return null;
  pageToken = data.session.page_token;
  return data;
}

export async function logOut(): Promise<void> {
  await said(api.DELETE("/v1/sessions/current"));
}

/**
 * Sends the bytes of an upload's part, which may not go through openapi-fetch: it would make JSON of them. Always to
 * the service, which takes them for every store: the page's policy allows no other host.
 */
export async function putPart(uploadId: string, number: number, bytes: Blob): Promise<void> {
  const headers = { [TOKEN]: pageToken };
  const response = await fetch(`/v1/uploads/${uploadId}/parts/${number}`, { method: "PUT", body: bytes, headers }).catch(() => {
    throw new Refused(unreachable());
  });
  if (response.ok) return;
  const answer: unknown = await response.json().catch(() => undefined);
  throw new Refused(isProblem(answer) ? answer : unreachable(response.status));
}

/** Whether the same request may well succeed a little later. */
export function isPassing(error: unknown): boolean {
  return error instanceof Refused && (error.problem.retryable || [0, 408, 429].includes(error.problem.status) || error.problem.status >= 500);
}

export type Answer = Schemas["Prediction"] | Schemas["SegmentationPrediction"] | Schemas["DetectionPrediction"];

/** What an exported file says of a picture; the bytes go as they are. */
export async function predict(modelId: string, exportId: string, picture: Blob): Promise<Answer> {
  const query = exportId ? `?export=${encodeURIComponent(exportId)}` : "";
  const headers = { [TOKEN]: pageToken, "Content-Type": picture.type || "application/octet-stream" };
  const response = await fetch(`/v1/models/${modelId}/predict${query}`, { method: "POST", body: picture, headers }).catch(() => {
    throw new Refused(unreachable());
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Refused(isProblem(answer) ? answer : unreachable(response.status));
  return answer as Answer;
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "detail" in error && "code" in error;
}

function unreachable(status = 0): Problem {
  const detail = status
    ? `The service answered with status ${status}. Try again.`
    : "The service does not answer. This page goes on by itself once it is back.";
  return { ...told(detail), status, code: "unreachable", retryable: true };
}

/** A problem of the page's own. */
export function told(detail: string): Problem {
  return { type: "about:blank", title: "", status: 0, detail, instance: "", code: "page", request_id: "", retryable: false, errors: [] };
}
