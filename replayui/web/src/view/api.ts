/** An error as the JSON interface answers it (RFC 9457). */
export class Problem extends Error {
  constructor(readonly status: number, detail: string) {
    super(detail);
  }
}

async function check(r: Response): Promise<Response> {
  if (r.ok) return r;
  let detail = "The console cannot reach its server.";
  try {
    detail = ((await r.json()) as { detail?: string }).detail ?? detail;
  } catch {
    // no problem document: the message stays
  }
  throw new Problem(r.status, detail);
}

async function call(path: string, init?: RequestInit): Promise<Response> {
  let r: Response;
  try {
    r = await fetch(path, { credentials: "same-origin", ...init });
  } catch {
    throw new Problem(0, "The server cannot be reached. Check your connection and try again.");
  }
  return check(r);
}

export async function get<T>(path: string): Promise<T> {
  return (await (await call(path)).json()) as T;
}

export async function getBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await call(path)).arrayBuffer());
}

export async function send(method: "POST" | "PUT" | "DELETE", path: string, body: unknown = {}): Promise<Response> {
  return call(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return (await (await send("POST", path, body)).json()) as T;
}

export interface Account { name: string; org: string; role: "agent" | "supervisor" | "auditor" | "administrator" }

export interface SessionInfo {
  id: string;
  state: "offered" | "waiting" | "asking" | "live" | "ended" | "sealed";
  user?: string;
  url: string;
  title?: string;
  agents?: string[];
  started: string;
  ended?: string;
  recording?: string;
  hold?: { by: string; reason?: string; since: string };
}
