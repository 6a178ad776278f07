import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { get } from "../view/api.ts";
import { useDialog } from "../view/dialog.tsx";

const FORMATS = {
  html: ["One page", "Opens offline in a browser, with this player, everything that the session showed, and a check of the signature."],
  wacz: ["Web archive (WACZ)", "The files as the site sent them, for players of web archives such as replayweb.page. Without what was done on the pages."],
} as const;

type Format = keyof typeof FORMATS;

const LOOK_MS = 400;

const share = signal<number | undefined>(undefined);
const said = signal("");

async function follow(path: string): Promise<void> {
  for (let seen = false, tries = 0; ; tries++) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const p = await get<{ share: number; under: boolean }>(path).catch(() => undefined);
    if (p?.under) {
      seen = true;
      share.value = p.share;
    } else if (seen || tries > 4) break; // a small one is done before it is asked about
  }
  share.value = undefined;
  said.value = "Handed to your browser: it is among your downloads.";
}

/** The button that writes the recording to one file, for those who may. */
export function Export({ id }: { id: string }) {
  const [dialog, show, close] = useDialog();
  const link = useRef<HTMLAnchorElement>(null);
  const begin = (e: Event) => {
    e.preventDefault();
    const format = new FormData(e.target as HTMLFormElement).get("format") as Format;
    const of = crypto.getRandomValues(new Uint32Array(2)).join("-");
    const path = `/api/sessions/${encodeURIComponent(id)}/export`;
    said.value = "";
    share.value = 0;
    link.current!.href = `${path}?format=${format}&of=${of}`;
    link.current!.click();
    void follow(`${path}/progress?of=${of}`);
  };
  return (
    <>
      <button class="quiet" data-testid="export" aria-haspopup="dialog" onClick={show}>Export</button>
      <dialog class="panel ask" ref={dialog} aria-labelledby="export-title" data-testid="export-dialog">
        <form onSubmit={begin}>
          <h1 id="export-title">Export this recording</h1>
          <p class="hint">The file holds all that the user’s page showed. Whoever has it can read it, and it is not deleted with the recording. That you exported it is written down.</p>
          {Object.entries(FORMATS).map(([format, [name, words]], i) => (
            <label class="choice" key={format}>
              <input type="radio" name="format" value={format} defaultChecked={i === 0} />
              <span><b>{name}</b><small>{words}</small></span>
            </label>
          ))}
          {share.value !== undefined && <progress aria-label="Exported so far" data-testid="export-progress" max={1} value={share.value} />}
          <p class="hint" role="status" data-testid="export-said">{share.value !== undefined ? `Being written: ${Math.round(share.value * 100)} %` : said.value}</p>
          <div class="row">
            <button type="button" class="plain" onClick={close}>Close</button>
            <button class="primary" data-testid="export-begin" disabled={share.value !== undefined}>Export</button>
          </div>
        </form>
        <a ref={link} download hidden />
      </dialog>
    </>
  );
}
