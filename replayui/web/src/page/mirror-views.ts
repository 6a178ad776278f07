/** Shows a dialog closed (0), open (1) or modal (2). */
export function showDialog(el: HTMLDialogElement, how: number): void {
  if (typeof el.showModal !== "function") return;
  try {
    // Its attribute went first, which leaves it in the top layer: only closing takes it out.
    if (!el.open && el.matches(":modal")) el.open = true;
    if (el.open) el.close();
    if (how === 1) el.show();
    if (how === 2) el.showModal();
  } catch {
    el.toggleAttribute("open", how > 0);
  }
}

export function showPopover(el: HTMLElement, shown: boolean): void {
  try {
    if (shown) el.showPopover();
    else el.hidePopover();
  } catch {
    // shown already, or not in the page
  }
}

/** Draws encoded pixels on a canvas. */
export function showCanvas(el: HTMLCanvasElement, type: string, data: Uint8Array): void {
  if (!type.startsWith("image/") || typeof el.getContext !== "function") return;
  void createImageBitmap(new Blob([data.slice()], { type })).then(
    (picture) => {
      const pen = el.getContext("2d");
      pen?.clearRect(0, 0, el.width, el.height);
      pen?.drawImage(picture, 0, 0);
      picture.close();
    },
    () => {}, // pixels that cannot be read stay blank
  );
}
