/** The style of what we add to a page. Values are absolute: the page's own must not matter. */
export const STYLE = `
:host { all: initial !important; position: fixed !important; inset: auto 20px 20px auto !important; z-index: 2147483647 !important;
  display: block !important; font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif !important; color: #16202e !important; color-scheme: light; }
@media print { :host { display: none !important } }
*, *::before { box-sizing: border-box; }
[hidden] { display: none !important; }
button { font: inherit; cursor: pointer; border: 1px solid transparent; border-radius: 8px; padding: 8px 14px; min-height: 40px; }
button:focus-visible { outline: 3px solid #ffb020; outline-offset: 2px; }
.primary { background: #0b5cad; color: #fff; font-weight: 600; }
.primary:hover { background: #094b8e; }
.plain { background: #fff; color: #16202e; border-color: #b9c3cf; }
.plain:hover { background: #f1f4f8; }
.launch { border-radius: 999px; box-shadow: 0 2px 10px rgba(16, 32, 56, .28); padding: 9px 18px 9px 14px; display: flex; gap: 8px; align-items: center; }
.launch::before { content: ""; width: 16px; height: 16px; border-radius: 50%; border: 4px solid #fff; }
.card { width: min(340px, calc(100vw - 40px)); max-height: calc(100vh - 40px); overflow: auto; background: #fff; border-radius: 14px;
  box-shadow: 0 8px 34px rgba(16, 32, 56, .32), 0 0 0 1px rgba(16, 32, 56, .08); padding: 18px; }
h2 { font-size: 17px; line-height: 1.3; margin: 0 0 6px; font-weight: 650; }
h2:focus { outline: none; }
p { margin: 0 0 10px; color: #41505f; }
.code { display: block; font: 600 26px/1.2 ui-monospace, Menlo, Consolas, monospace; letter-spacing: .02em; text-align: center; color: #0b2f57;
  background: #eef4fb; border: 1px solid #cfe0f3; border-radius: 10px; padding: 14px 6px; margin: 4px 0 12px; user-select: all; white-space: nowrap; }
.row { display: flex; gap: 8px; margin-top: 14px; flex-wrap: wrap; }
.row > button { flex: 1; }
ul { margin: 0 0 10px; padding: 0 0 0 18px; color: #41505f; }
.bar { display: flex; align-items: center; gap: 10px; background: #0e2740; color: #fff; border-radius: 999px; padding: 6px 6px 6px 16px;
  box-shadow: 0 4px 18px rgba(16, 32, 56, .4); max-width: calc(100vw - 40px); }
.bar .dot { width: 10px; height: 10px; border-radius: 50%; background: #39d98a; flex: none; }
.bar.paused .dot, .bar.lost .dot { background: #ffb020; }
.bar span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar button { min-height: 34px; padding: 4px 12px; border-radius: 999px; white-space: nowrap; }
.bar .quiet { background: transparent; color: #fff; border-color: rgba(255, 255, 255, .4); }
.bar .quiet:hover { background: rgba(255, 255, 255, .12); }
.bar .stop { background: #fff; color: #9b1c1c; font-weight: 600; }
.stack { display: flex; flex-direction: column; align-items: flex-end; gap: 10px; }
.pointer { position: fixed; left: 0; top: 0; pointer-events: none; transition: transform 80ms linear; }
.pointer svg { display: block; filter: drop-shadow(0 1px 2px rgba(0, 0, 0, .45)); }
.pointer b { position: absolute; left: 16px; top: 18px; background: #c2410c; color: #fff; font-size: 12px; font-weight: 600; border-radius: 6px; padding: 2px 7px; white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { .pointer { transition: none } }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
