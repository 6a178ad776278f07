import * as dom from "../page/natives.ts";
import { hashOf } from "./file-hash.ts";

/** Told of a file whose name others may know: a hash of it, since the name is not sent unless the file is. */
type Vouch = (hash: string, size: number) => void;

/**
 * Looks for files that the user chooses or drops. Their content is nobody's
 * business here: the gateway sees it pass. Only where the element is not masked is
 * the file's name vouched for, without which the gateway does not tell it.
 */
export class Vouching {
  readonly #vouch: Vouch;
  readonly #hidden: (n: Node) => boolean;

  constructor(vouch: Vouch, hidden: (n: Node) => boolean) {
    this.#vouch = vouch;
    this.#hidden = hidden;
    addEventListener("change", this.#chosen, true);
    addEventListener("drop", this.#dropped, true);
  }

  stop(): void {
    removeEventListener("change", this.#chosen, true);
    removeEventListener("drop", this.#dropped, true);
  }

  #chosen = (e: Event): void => {
    const el = e.composedPath()[0];
    if (el instanceof HTMLInputElement && el.type === "file") this.#take(el, el.files);
  };

  #dropped = (e: DragEvent): void => {
    const el = e.composedPath()[0];
    if (el instanceof Node) this.#take(el, e.dataTransfer?.files);
  };

  #take(at: Node, files: FileList | null | undefined): void {
    const around = dom.parentNode(at);
    if (!files?.length || !around || this.#hidden(around)) return; // an input for files is secret itself, and its name need not be
    for (const file of Array.from(files).slice(0, 50)) this.#vouch(hashOf(file.name), file.size);
  }
}
