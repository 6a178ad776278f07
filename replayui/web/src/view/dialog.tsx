import type { RefObject } from "preact";
import { useRef } from "preact/hooks";

/** A modal dialog, and what shows and closes it. */
export function useDialog(): [RefObject<HTMLDialogElement | null>, () => void, () => void] {
  const dialog = useRef<HTMLDialogElement>(null);
  return [dialog, () => dialog.current?.showModal(), () => dialog.current?.close()];
}
