import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useDialog } from "../view/dialog.tsx";
import type { Outcome } from "./verify.ts";

const outcome = signal<Outcome | undefined>(undefined);
const done = signal(0);
const failed = signal("");

/** The button that says whether the recording is as it was sealed, and what that rests on. */
export function Proof({ check, session }: { check: (progress: (share: number) => void) => Promise<Outcome>; session: string }) {
  const [dialog, show, close] = useDialog();
  useEffect(() => {
    check((share) => (done.value = share)).then((o) => (outcome.value = o), (e: Error) => (failed.value = e.message));
  }, []);
  const o = outcome.value;
  const wrong = failed.value !== "" || (o?.problems.length ?? 0) > 0;
  const words = wrong ? "Not as it was sealed" : o ? "As it was sealed" : `Checking… ${Math.round(done.value * 100)} %`;
  return (
    <>
      <button class={wrong ? "warning" : "quiet"} data-testid="proof" data-outcome={wrong ? "wrong" : o ? "good" : "checking"} aria-haspopup="dialog" onClick={show}>{words}</button>
      <dialog class="panel ask report" ref={dialog} aria-labelledby="proof-title" data-testid="proof-report">
        <div class="titled">
          <h1 id="proof-title">{wrong ? "This recording is not as it was sealed" : o ? "This recording is whole and as it was sealed" : "The recording is being checked"}</h1>
          <button class="plain" data-testid="proof-close" autofocus onClick={close}>Close</button>
        </div>
        {failed.value && <p class="wrong" role="alert">{failed.value}</p>}
        {o && (
          <>
            {o.problems.length > 0 && <ul class="refs" data-testid="problems">{o.problems.map((p, i) => <li key={i}>{p}</li>)}</ul>}
            {o.problems.length > 0 && <p class="hint">What is undamaged is shown all the same.</p>}
            <p>{o.records.toLocaleString()} records and {o.assets.toLocaleString()} files were read; their hashes, the chain over the records and the signature over all of it {wrong ? "were" : "are"} checked by your browser.</p>
            <h2>Signed with the key</h2>
            <p><code data-testid="fingerprint">{o.fingerprint}</code></p>
            <p class="hint">SHA-256 of the Ed25519 key; its first 16 digits are the key’s name in <code>pillion key list</code>. Compare it with the fingerprint that the installation which made the recording publishes: anybody can sign with a key of their own.</p>
            <h2>What this check cannot say</h2>
            <p class="hint">It is part of the file, so whoever changes the file can change the check. To rely on it, check this file with a Pillion of your own: <code>pillion verify FILE</code>. Session {session}.</p>
          </>
        )}
      </dialog>
    </>
  );
}
