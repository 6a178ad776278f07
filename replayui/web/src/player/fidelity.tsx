import { signal } from "@preact/signals";
import { useDialog } from "../view/dialog.tsx";
import type { Blocked } from "../view/stage.ts";

/** A file that a page named, as the gateway's fidelity report has it. */
export interface Reference {
  page: number;
  url: string;
  here: boolean;
  ref?: string;
  type?: string;
  size?: number;
  source?: string;
  why?: string;
  status?: number;
}

export interface Fidelity { found: number; missing: number; files: Reference[]; next?: number }

/** How the archive came to what it holds. */
const SOURCES: Record<string, string> = {
  tapped: "as it went to the user’s browser",
  refetched: "fetched once more by the user’s browser, which had it in its cache",
  fetched: "fetched by the gateway",
};

/** Why a file is not there. */
const WHYS: Record<string, string> = {
  "no-store": "the site forbids keeping it",
  attachment: "it was downloaded, not shown",
  "too-large": "it is larger than the archive takes",
  broken: "it did not come whole",
  status: "the site answered with an error",
  type: "it is of no type that shapes a page",
  lost: "the archive could not keep up",
  "not-seen": "it never passed the gateway",
  "other-host": "it comes from a site that does not pass the gateway",
  "not-allowed": "the rules did not allow fetching it",
};

const report = signal<Fidelity | undefined>(undefined);
const failed = signal("");

type Load = (from: number) => Promise<Fidelity>;

async function load(from: Load): Promise<void> {
  const before = report.value?.files ?? [];
  try {
    const next = await from(before.length);
    report.value = { ...next, files: [...before, ...next.files] };
    failed.value = "";
  } catch (e) {
    failed.value = (e as Error).message;
  }
}

/** What is shown of the page now: what it did not get. */
export interface Now { missing: readonly string[]; blocked: ReadonlyMap<string, Blocked> }

/** The button that says whether all is there, and the report behind it. */
export function FidelityReport({ missing, now, from }: { missing: number; now: Now; from: Load }) {
  const [dialog, show, close] = useDialog();
  const blocked = [...now.blocked.values()].reduce((sum, b) => sum + b.times, 0);
  const open = () => {
    if (!report.value) void load(from);
    show();
  };
  const wanting = missing + now.missing.length + blocked > 0;
  return (
    <>
      <button class={wanting ? "warning" : "quiet"} data-testid="fidelity" aria-haspopup="dialog" onClick={open}>
        {now.missing.length > 0
          ? <span data-testid="missing" title={"The archive does not hold:\n" + now.missing.map(authored).join("\n")}>{files(now.missing.length)} missing</span>
          : missing > 0 ? `${files(missing)} missing in all` : "All files kept"}
        {blocked > 0 && <span data-testid="blocked"> · {blocked} blocked</span>}
      </button>
      <dialog class="panel ask report" ref={dialog} aria-labelledby="fidelity-title" data-testid="fidelity-report">
        <div class="titled">
          <h1 id="fidelity-title">What this replay is made of</h1>
          <button class="plain" data-testid="fidelity-close" autofocus onClick={close}>Close</button>
        </div>
        <p class="hint">Everything that you see comes from the archive. Nothing is asked of the site, nor of anybody else.</p>
        <Here now={now} />
        {failed.value && <p class="wrong" role="alert">{failed.value}</p>}
        {report.value ? <References report={report.value} more={() => void load(from)} /> : !failed.value && <p class="hint" role="status">Loading…</p>}
      </dialog>
    </>
  );
}

const files = (n: number) => `${n} file${n === 1 ? "" : "s"}`;

/** What the page shown wanted and did not get. */
function Here({ now }: { now: Now }) {
  const blocked = [...now.blocked];
  if (!blocked.length && !now.missing.length) return null;
  return (
    <section aria-labelledby="fidelity-now" data-testid="fidelity-now">
      <h2 id="fidelity-now">On the page shown now</h2>
      <ul class="refs">
        {blocked.map(([url, b]) => <li key={"b " + url}><b>{url}</b><small>blocked{b.times > 1 ? ` ${b.times} times` : ""}: the page wanted it from elsewhere ({b.directive})</small></li>)}
        {now.missing.map((url) => <li key={"m " + url}><b>{authored(url)}</b><small>asked for, and not in the archive</small></li>)}
      </ul>
    </section>
  );
}

/** The site's own address behind one that leads to the archive. */
export function authored(url: string): string {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/, "");
  const found = /^\/archive\/[^/]+\/\d+\/(https?)\/(.*)$/.exec(path);
  return found ? `${found[1]}://${found[2]}` : url;
}

function References({ report, more }: { report: Fidelity; more: () => void }) {
  const missing = report.files.filter((r) => !r.here);
  const found = report.files.filter((r) => r.here);
  return (
    <>
      <section aria-labelledby="fidelity-missing">
        <h2 id="fidelity-missing">Missing <span class={"count" + (report.missing ? "" : " good")} data-testid="fidelity-missing-count">{report.missing}</span></h2>
        {report.missing === 0 && <p class="hint">Every file that the pages named is here.</p>}
        <ul class="refs">
          {missing.map((r, i) => (
            <li key={i} data-testid="missing-row"><b>{r.url}</b><small>{WHYS[r.why ?? ""] ?? r.why}{r.status && r.status >= 400 ? ` (${r.status})` : ""} · page {r.page}</small></li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="fidelity-found">
        <h2 id="fidelity-found">Kept <span class="count good" data-testid="fidelity-found-count">{report.found}</span></h2>
        <ul class="refs">
          {found.map((r, i) => (
            <li key={i} data-testid="found-row">
              <b>{r.url}</b>
              <small>{[SOURCES[r.source ?? ""] ?? r.source, r.type, r.size ? size(r.size) : "", `page ${r.page}`].filter(Boolean).join(" · ")}{r.ref && <code>{r.ref}</code>}</small>
            </li>
          ))}
        </ul>
        {report.next ? <button class="plain" data-testid="fidelity-more" onClick={more}>Show more</button> : null}
      </section>
    </>
  );
}

function size(bytes: number): string {
  return bytes < 10_000 ? `${bytes} bytes` : bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
