import { useSignal } from "@preact/signals";
import { post } from "../view/api.ts";

/** Opens a session before there is a user in it, and goes there. */
function useOpening(body: object, query: string): { busy: boolean; wrong: string; open: () => void } {
  const busy = useSignal(false);
  const wrong = useSignal("");
  const open = async () => {
    busy.value = true;
    wrong.value = "";
    try {
      location.assign(`/live/${(await post<{ session: string }>("/api/sessions", body)).session}${query}`);
    } catch (e) {
      wrong.value = (e as Error).message;
      busy.value = false;
    }
  };
  return { busy: busy.value, wrong: wrong.value, open: () => void open() };
}

/** The agent comes first: a code or a link for the user. */
export function OpenSession() {
  const { busy, wrong, open } = useOpening({}, "");
  return (
    <section class="panel offer">
      <div>
        <h2>Open a session</h2>
        <p class="hint">You get a code to read to the user, or a link to send. The user enters it on the site.</p>
      </div>
      <button class="plain" data-testid="open-session" disabled={busy} onClick={open}>Open a session</button>
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
    </section>
  );
}

/** For administrators: what an agent would see of the site, with what the masks hide. */
export function Preview() {
  const { busy, wrong, open } = useOpening({ preview: true }, "?preview");
  return (
    <section class="panel offer">
      <div>
        <h2>Masking preview</h2>
        <p class="hint">Open the site yourself, and see beside it what an agent would see: what is masked is marked and listed. Nothing is recorded.</p>
      </div>
      <button class="plain" data-testid="open-preview" disabled={busy} onClick={open}>Open a preview</button>
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
    </section>
  );
}
