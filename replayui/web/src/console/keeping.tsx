import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, send, type SessionInfo } from "../view/api.ts";
import { useDialog } from "../view/dialog.tsx";

/** What an administrator decides about a recording: whether it is held, and its end. */
export function Keeping({ session, changed }: { session: SessionInfo; changed: () => void }) {
  const [dialog, show, close] = useDialog();
  const reason = useSignal("");
  const wrong = useSignal("");
  const busy = useSignal(false);
  const at = `/api/sessions/${encodeURIComponent(session.id)}`;
  const name = session.title || session.url;
  const run = async (method: "PUT" | "DELETE", path: string) => {
    busy.value = true;
    wrong.value = "";
    try {
      await send(method, path, { reason: reason.value.trim() });
      close();
      changed();
    } catch (e) {
      wrong.value = (e as Error).message;
    }
    busy.value = false;
  };
  return (
    <>
      <button class="plain" data-testid="keep" aria-label={`Manage “${name}”: hold it or delete it`} onClick={() => { reason.value = wrong.value = ""; show(); }}>Manage…</button>
      <dialog class="ask panel" ref={dialog} aria-labelledby={"keep-" + session.id}>
        <h2 id={"keep-" + session.id}>{name}</h2>
        <p class="hint">Recorded {new Date(session.started).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}.</p>
        {session.hold && (
          <p>Held since {new Date(session.hold.since).toLocaleDateString(undefined, { dateStyle: "medium" })} by {session.hold.by}{session.hold.reason && <>: <q>{session.hold.reason}</q></>}. Nobody can delete it.</p>
        )}
        {!session.hold && (
          <label class="field">Reason
            <input data-testid="keep-reason" maxLength={1000} placeholder="A case’s number, a person’s request…" value={reason.value} onInput={(e) => (reason.value = e.currentTarget.value)} />
          </label>
        )}
        <p class="wrong" role="alert">{wrong.value}</p>
        <div class="row">
          <button class="plain" onClick={close}>Close</button>
          {session.hold
            ? <button class="primary" data-testid="unhold" disabled={busy.value} onClick={() => void run("DELETE", at + "/hold")}>End the hold</button>
            : <>
              <button class="plain danger" data-testid="delete" disabled={busy.value || !reason.value.trim()} title="For good: its key is destroyed first" onClick={() => void run("DELETE", at)}>Delete for good</button>
              <button class="primary" data-testid="hold" disabled={busy.value} onClick={() => void run("PUT", at + "/hold")}>Hold</button>
            </>}
        </div>
      </dialog>
    </>
  );
}

interface Storage {
  usage: { recordings: number; held: number; own: number; named: number; shared: number; length: number };
  deleted: { session: string; site?: string; started: string; by: string; reason?: string; at: string }[];
}

/** A number of bytes as people read it. */
export function bytes(n: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

/** What the organisation's recordings take, and which were deleted. */
export function StorageReport({ version }: { version: number }) {
  const report = useSignal<Storage | undefined>(undefined);
  const wrong = useSignal("");
  useEffect(() => {
    get<Storage>("/api/storage").then((r) => (report.value = r), (e: Error) => (wrong.value = e.message));
  }, [version]);
  const r = report.value;
  if (!r) return wrong.value ? <p class="wrong" role="alert">{wrong.value}</p> : null;
  const { usage: u, deleted } = r;
  return (
    <section data-testid="storage">
      <h2>Storage</h2>
      <dl class="figures">
        <div><dt>Recordings</dt><dd>{u.recordings}<small>{u.held ? ` ${u.held} held` : ""}</small></dd></div>
        <div><dt>Of their own</dt><dd>{bytes(u.own)}</dd></div>
        <div><dt>Shared files</dt><dd>{bytes(u.shared)}<small>{u.named > u.shared ? ` instead of ${bytes(u.named)}` : ""}</small></dd></div>
        <div><dt>An hour of a session</dt><dd>{u.length >= 60 ? bytes((u.own + u.shared) / (u.length / 3600)) : "–"}</dd></div>
      </dl>
      {deleted.length > 0 && (
        <details class="deleted">
          <summary>{deleted.length === 1 ? "1 recording was deleted" : `${deleted.length} recordings were deleted`}</summary>
          <table class="sessions" role="table">
            <thead role="rowgroup"><tr role="row"><th role="columnheader">Deleted</th><th role="columnheader">Recorded</th><th role="columnheader">By</th><th role="columnheader">Reason</th></tr></thead>
            <tbody role="rowgroup">{deleted.map((d) => (
              <tr key={d.session} role="row" data-testid="deletion">
                <td role="cell">{new Date(d.at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}</td>
                <td role="cell">{new Date(d.started).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}</td>
                <td role="cell">{d.by || "its time was over"}</td>
                <td role="cell" class="wide">{d.reason}</td>
              </tr>
            ))}</tbody>
          </table>
        </details>
      )}
    </section>
  );
}
