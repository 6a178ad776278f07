import { useSignal } from "@preact/signals";
import type { Parts } from "./live-session.ts";
import type { Tool } from "./live-hand.ts";
import { hindrance, hovers, keysOn, mode, size, state, tool, url, wish } from "./live-state.ts";

const TOOLS: { tool: Tool; name: string; hint: string; path: string }[] = [
  { tool: "pointer", name: "Pointer", hint: "Move to show your pointer, click to show a ripple", path: "M4 2v13l3.6-3.2 2.3 5 2.1-1-2.3-4.9H15Z" },
  { tool: "arrow", name: "Arrow", hint: "Drag from start to end", path: "M3 15 15 3M8 3h7v7" },
  { tool: "box", name: "Box", hint: "Drag from corner to corner", path: "M3 4h12v10H3Z" },
  { tool: "free", name: "Free", hint: "Draw by hand", path: "M2 12c3-8 5-8 5-3s2 5 4 1 4-3 5 0" },
  { tool: "highlight", name: "Highlight", hint: "Click an element", path: "M3 15h5M5 12 12 3l3 3-7 8-3 1Z" },
];

/** The tools of the mode that is on. */
export function Bar({ parts }: { parts: () => Parts }) {
  if (state.value !== "live" && state.value !== "suspended") return <div class="bar" />;
  return (
    <div class="bar" role="toolbar" aria-label="Tools">
      {mode.value === "control" && <Control parts={parts} />}
      {mode.value === "point" && <Drawing />}
      {mode.value === "view" && <span class="hint">You see what the user sees.</span>}
      {mode.value !== wish.value && <span class="hint why" data-testid="why">{hindrance(wish.value)}</span>}
      <span class="grow" />
      <small data-testid="visible" title="The part of the page that the user sees">{size.value.width} × {size.value.height}{size.value.scale < 0.995 ? ` at ${Math.round(size.value.scale * 100)} %` : ""}</small>
    </div>
  );
}

function Control({ parts }: { parts: () => Parts }) {
  const typed = useSignal<string | undefined>(undefined);
  const go = (e: Event) => {
    e.preventDefault();
    const to = (typed.value ?? "").trim();
    typed.value = undefined;
    if (to && to !== url.value) parts().request(0, "navigate", to);
    parts().stage.overlay.focus();
  };
  return (
    <>
      <button class="plain icon" data-testid="back" aria-label="Back" title="Back on the user’s page" onClick={() => parts().request(0, "back")}>←</button>
      <button class="plain icon" data-testid="forward" aria-label="Forward" title="Forward on the user’s page" onClick={() => parts().request(0, "forward")}>→</button>
      <form class="address" onSubmit={go}>
        <input aria-label="Address on this site" data-testid="address" spellcheck={false} autocomplete="off" value={typed.value ?? url.value}
          onInput={(e) => (typed.value = e.currentTarget.value)} onFocus={(e) => e.currentTarget.select()} onBlur={() => (typed.value = undefined)}
          onKeyDown={(e) => e.key === "Escape" && parts().stage.overlay.focus()} />
      </form>
      <button class="plain" data-testid="tool-hover" aria-pressed={hovers.value} title="Menus that open under the mouse open on the user’s page too" onClick={() => (hovers.value = !hovers.value)}>Hover</button>
      <button class="plain" data-testid="tool-keys" aria-pressed={keysOn.value} title="Ctrl+Shift+K" onPointerDown={(e) => e.preventDefault()} onClick={() => toggleKeys(parts())}>Keys to page</button>
    </>
  );
}

function toggleKeys(parts: Parts): void {
  keysOn.value = !keysOn.value;
  if (keysOn.value) parts.stage.overlay.focus();
}

function Drawing() {
  return (
    <span class="tools" role="group" aria-label="Drawing">
      {TOOLS.map((t) => (
        <button key={t.tool} class="plain" data-testid={"draw-" + t.tool} aria-pressed={tool.value === t.tool} title={t.hint} onClick={() => (tool.value = t.tool)}>
          <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true"><path d={t.path} fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round" stroke-linecap="round" /></svg>
          {t.name}
        </button>
      ))}
    </span>
  );
}

const HINTS = {
  view: "",
  point: "Arrow keys choose an element, Enter highlights it. F6 leaves the page.",
  control: "Arrow keys choose a control, Enter acts on it, H points the mouse at it. Page Up and Page Down scroll. F6 leaves the page, Ctrl+Shift+K sends keys to it.",
};

/** What keys do above the page, and the way out. */
export function KeysHint() {
  const shown = state.value === "live";
  return (
    <p class={"keys-hint" + (keysOn.value ? " on" : "")} id="page-keys" data-testid="keys-hint">
      {!shown ? "" : keysOn.value ? <><b>Keys go to the user’s page.</b> F6 or Ctrl+Shift+K takes them back.</> : HINTS[mode.value]}
    </p>
  );
}
