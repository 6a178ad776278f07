import { useSignal } from "@preact/signals";
import { now, type Code } from "./live-state.ts";
import { clock } from "./live-words.ts";

/** A code to read out, a link to send, and how long they are good. */
export function CodeToTell({ code, again }: { code: Code; again?: (() => void) | undefined }) {
  const left = Math.max(0, (code.until - now.value) / 1000);
  if (!left) {
    return (
      <div class="told">
        <p class="wrong" role="alert">This code has expired.</p>
        {again && <button class="primary" data-testid="code-again" onClick={again}>Get a new code</button>}
      </div>
    );
  }
  return (
    <div class="told">
      <p class="told-line">
        <output class="told-code" data-testid="session-code" aria-label="Code">{code.code}</output>
        <Copy text={code.code.replace(/\s/g, "")} what="code" />
      </p>
      {code.link && (
        <p class="told-line">
          <a class="told-link" data-testid="session-link" href={code.link} target="_blank" rel="noreferrer noopener">{code.link}</a>
          <Copy text={code.link} what="link" />
        </p>
      )}
      <p class="hint">Good for <span class="clock" data-testid="code-left">{clock(left)}</span></p>
    </div>
  );
}

function Copy({ text, what }: { text: string; what: string }) {
  const said = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      said.value = "Not copied";
    }
    setTimeout(() => (said.value = ""), 2000);
  };
  return <button type="button" class="plain" data-testid={"copy-" + what} aria-label={`Copy the ${what}`} onClick={() => void copy()}><span aria-live="polite">{said.value || "Copy"}</span></button>;
}
