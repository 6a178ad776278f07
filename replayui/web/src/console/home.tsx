import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post, type Account, type SessionInfo } from "../view/api.ts";
import { Brand } from "../view/signin.tsx";
import { Keeping, StorageReport } from "./keeping.tsx";
import { OpenSession, Preview } from "./home-open.tsx";

const failed = signal("");
const busy = signal(false);
const lists = signal<{ live: SessionInfo[]; sessions: SessionInfo[]; next: string } | undefined>(undefined);
const words = signal("");
const changes = signal(0);

/** After a recording was held or deleted. */
function changed(): void {
  changes.value++;
  void load();
}

async function load(): Promise<void> {
  try {
    lists.value = await get("/api/sessions" + (words.value ? "?q=" + encodeURIComponent(words.value) : ""));
  } catch (e) {
    failed.value = (e as Error).message;
  }
}

async function more(): Promise<void> {
  const { live, sessions, next } = lists.value!;
  const page = await get<{ sessions: SessionInfo[]; next: string }>(`/api/sessions?cursor=${encodeURIComponent(next)}&q=${encodeURIComponent(words.value)}`);
  lists.value = { live, sessions: [...sessions, ...page.sessions], next: page.next };
}

async function join(code: string): Promise<void> {
  busy.value = true;
  failed.value = "";
  try {
    location.assign("/live/" + (await post<{ session: string }>("/api/join", { code })).session);
  } catch (e) {
    failed.value = (e as Error).message;
    busy.value = false;
  }
}

/** Groups what is typed in fours, as it is read out. */
function grouped(text: string): string {
  return text.replace(/\D/g, "").slice(0, 12).replace(/(\d{4})(?=\d)/g, "$1 ");
}

/** Code entry, live sessions and recordings. */
export function Home({ account, code }: { account: Account; code: string }) {
  useEffect(() => {
    void load();
    const timer = setInterval(() => !words.value && void load(), 5000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <header class="top">
        <Brand />
        <span class="grow" />
        <span>{account.name} · {account.role}</span>
        <button class="quiet" onClick={() => void post("/api/signout").then(() => location.assign("/"))}>Sign out</button>
      </header>
      <main class="page">
        {account.role !== "auditor" && <Join code={code} />}
        {account.role !== "auditor" && <OpenSession />}
        {account.role === "administrator" && <Preview />}
        {lists.value && lists.value.live.length > 0 && (
          <section>
            <h2>Live now</h2>
            <Sessions list={lists.value.live} account={account} live />
          </section>
        )}
        <section>
          <div class="titled">
            <h2>Recordings</h2>
            <input type="search" placeholder="Search words, labels, pages" aria-label="Search recordings" value={words.value}
              onInput={(e) => { words.value = e.currentTarget.value; void load(); }} />
          </div>
          {!lists.value ? <p class="hint">Loading…</p> : lists.value.sessions.length === 0
            ? <p class="hint">{words.value ? "No recording has these words." : "No session has been recorded yet. A recording appears here when a session ends."}</p>
            : <Sessions list={lists.value.sessions} account={account} />}
          {lists.value?.next && <button class="plain" onClick={() => void more()}>Show more</button>}
        </section>
        {account.role === "administrator" && <StorageReport version={changes.value} />}
      </main>
    </>
  );
}

function Join({ code }: { code: string }) {
  const submit = (e: Event) => {
    e.preventDefault();
    void join(String(new FormData(e.target as HTMLFormElement).get("code")));
  };
  return (
    <form class="panel join" onSubmit={submit}>
      <div>
        <h1>Join a session</h1>
        <p class="hint">Ask the user to choose “Need help?” on the site and to read you the code.</p>
      </div>
      <input class="code" name="code" inputmode="numeric" autocomplete="off" placeholder="0000 0000 0000" aria-label="Code of 12 digits" required autofocus
        data-testid="code-input" value={grouped(code)} onInput={(e) => (e.currentTarget.value = grouped(e.currentTarget.value))} />
      <button class="primary" data-testid="join" disabled={busy.value}>Join</button>
      <p class="wrong" role="alert">{failed.value}</p>
    </form>
  );
}

const STATES: Record<SessionInfo["state"], string> = { offered: "waiting for the user", waiting: "waiting", asking: "asking the user", live: "live", ended: "being sealed", sealed: "recorded" };

function Sessions({ list, account, live = false }: { list: SessionInfo[]; account: Account; live?: boolean }) {
  return (
    // On small screens its rows are no rows of a table to the eye, and browsers would tell nobody else that they are.
    <table class="sessions" role="table">
      <thead role="rowgroup">
        <tr role="row"><th role="columnheader">Started</th><th role="columnheader">Page</th><th role="columnheader">Agent</th><th role="columnheader">Length</th><th role="columnheader">State</th><th role="columnheader"><span class="sr">Open</span></th></tr>
      </thead>
      <tbody role="rowgroup">
        {list.map((s) => (
          <tr key={s.id} role="row" data-testid="session-row">
            <td role="cell">{new Date(s.started).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}</td>
            <td role="cell" class="wide"><b>{s.title || (s.state === "offered" ? "No page yet" : "Untitled page")}</b><br /><small>{s.url}</small></td>
            <td role="cell">{s.agents?.join(", ") ?? ""}</td>
            <td role="cell">{length(s)}</td>
            <td role="cell"><span class={"chip " + s.state}>{STATES[s.state]}</span>{s.hold && <> <span class="chip held" title={s.hold.reason}>held</span></>}</td>
            <td role="cell" class="acts">{!live && account.role === "administrator" && s.state === "sealed" && <Keeping session={s} changed={changed} />}{live && watches(account, s) ? s.state !== "offered" && <Watch id={s.id} /> : <a class="button plain" href={(live ? "/live/" : "/replay/") + s.id}>{live ? "Open" : "Replay"}</a>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Supervisors and administrators may watch what they have no part in. */
function watches(account: Account, s: SessionInfo): boolean {
  return (account.role === "supervisor" || account.role === "administrator") && !s.agents?.includes(account.name);
}

function Watch({ id }: { id: string }) {
  const watch = async () => {
    try {
      await post(`/api/sessions/${encodeURIComponent(id)}/watch`);
      location.assign("/live/" + id);
    } catch (e) {
      failed.value = (e as Error).message;
    }
  };
  return <button class="plain" data-testid="watch" title="The user is asked before you see anything" onClick={() => void watch()}>Watch</button>;
}

function length(s: SessionInfo): string {
  const seconds = Math.round(((s.ended ? Date.parse(s.ended) : Date.now()) - Date.parse(s.started)) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
