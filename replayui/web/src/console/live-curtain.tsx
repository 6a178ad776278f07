import { awaySince, now, offer, preview, state, trouble, why, type LiveState } from "./live-state.ts";
import { clock, endWords } from "./live-words.ts";
import { CodeToTell } from "./code.tsx";

const SAYS: Partial<Record<LiveState, [string, string]>> = {
  connecting: ["Connecting…", ""],
  waiting: ["Waiting for the user", "The user asked for help and was given a code."],
  asking: ["Waiting for the user to allow it", "The user is being asked, with your name. Nothing of the page is shown before that."],
  refused: ["The user did not allow it", "Nothing of the page was shown to you."],
  ended: ["The session is over", "Its recording appears in the list in a moment."],
};

/** What is said while there is no page to show. */
export function Curtain() {
  if (state.value === "offered") return <Offered />;
  const says = SAYS[state.value];
  if (!says) return null;
  const over = state.value === "ended" || state.value === "refused";
  const [head, words] = state.value === "ended" && why.value === "left" ? ["You left the session", endWords("left")] : preview.value && state.value === "ended" ? ["The preview is over", "Nothing of it was recorded."] : says;
  return (
    <main class="curtain">
      <div class="panel" role="status">
        {!over && <span class="spinner" aria-hidden="true" />}
        <h1>{head}</h1>
        <p class="hint">{trouble.value || (state.value === "ended" && !preview.value && why.value !== "left" ? `${endWords(why.value)} ${words}` : words)}</p>
        {over && <a class="button primary" href="/">Back to the console</a>}
      </div>
    </main>
  );
}

/** The agent came first: the user has to enter the code, or to follow the link. */
function Offered() {
  const code = offer.value;
  return (
    <main class="curtain">
      <div class="panel offered" role="region" aria-labelledby="offered">
        <h1 id="offered">{preview.value ? "Open the site as a user would" : "Tell the user this code"}</h1>
        <p class="hint">
          {preview.value
            ? "The link opens the site in a new window. Allow it there, and go to the page that you want to look at: what an agent would see of it appears here."
            : "The user chooses “Need help?” on the site, then “I have a code”, and enters it; or follows the link. The user is asked before you see anything."}
        </p>
        {preview.value && code?.link && <p><a class="button primary" data-testid="preview-open" href={code.link} target="_blank" rel="noreferrer noopener">Open the site</a></p>}
        {code ? <CodeToTell code={code} /> : <p class="hint">One moment…</p>}
        {code && code.until < now.value && <a class="button primary" href="/">Back to the console</a>}
        <p class="waiting" role="status"><span class="spinner" aria-hidden="true" /> Waiting for the user…</p>
      </div>
    </main>
  );
}

/** What is said above a page that stands still. */
export function Banner() {
  if (state.value === "suspended") {
    return (
      <p class="banner" role="status" data-testid="banner">
        The user’s browser is away <span aria-hidden="true">(since {clock((now.value - awaySince.value) / 1000)})</span>. The session goes on when it comes back.
      </p>
    );
  }
  return state.value === "reconnecting" ? <p class="banner" role="status" data-testid="banner">The connection is lost. Reconnecting…</p> : null;
}
