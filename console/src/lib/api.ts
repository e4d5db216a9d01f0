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

/** Sends the bytes of an upload's part; they may not go through openapi-fetch, which would make JSON of them. */
export async function putPart(part: Schemas["Part"], bytes: Blob): Promise<void> {
  const url = new URL(part.url, location.href);
  const isOurs = url.pathname.startsWith("/v1/");
  const headers = isOurs ? { ...part.headers, [TOKEN]: pageToken } : part.headers;
  const response = await fetch(isOurs ? url.pathname + url.search : url, { method: "PUT", body: bytes, headers });
  if (!response.ok) throw new Refused(unreachable(response.status));
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
  return { type: "about:blank", title: "", status, detail, instance: "", code: "unreachable", request_id: "", retryable: true, errors: [] };
}
