// The page format, version 1 (events/FORMAT.md): what its events are called and
// how their bodies are laid out. Both codecs follow these tables. The bundler
// puts the numbers of an enum in place of its names, which it does not do for
// an object: 390 bytes of the compressed capture script.

export const VERSION = 1;

export enum Op {
  Remove = 1, Insert = 2, Move = 3, Attr = 4, AttrGone = 5, Text = 6, Splice = 7, Value = 8, Checked = 9,
  Selected = 10, Scroll = 11, Viewport = 12, Focus = 13, Selection = 14, Caret = 15, Pointer = 16, Click = 17,
  Key = 18, Dialog = 19, Popover = 20, Rules = 21, RuleInsert = 22, RuleDelete = 23, Adopted = 24, Sheet = 25,
  Canvas = 26, Media = 27, Hover = 28, Active = 29, Location = 30, Title = 31, Shadow = 32, Frame = 33,
  Hidden = 34, Digest = 35, Submit = 36, Document = 37, SheetUse = 38, DigestPart = 39, Placeholder = 40, States = 41,
  Animations = 42, Assigned = 43, Offset = 44, Defined = 45, Current = 46, PointerBy = 47,
}

/** The body of each op: i an id, u a uint, s a sint, a the name, t the text, U numbers, T texts, b bytes, n a node. */
export const FIELDS: Record<Op, string> = {
  1: "i", 2: "iin", 3: "iii", 4: "iat", 5: "ia", 6: "it", 7: "iuut", 8: "iut", 9: "iu",
  10: "iU", 11: "iss", 12: "uuuu", 13: "i", 14: "iuiu", 15: "iuuu", 16: "ssi", 17: "iuuss",
  18: "iau", 19: "iu", 20: "iu", 21: "iT", 22: "iut", 23: "iu", 24: "iU", 25: "uT",
  26: "iab", 27: "iuuuu", 28: "i", 29: "i", 30: "iat", 31: "t", 32: "in", 33: "in",
  34: "u", 35: "u", 36: "i", 37: "n", 38: "iut", 39: "uuu", 40: "iuut", 41: "iT",
  42: "iT", 43: "iU", 44: "ss", 45: "iT", 46: "iut", 47: "ss",
};

export enum Cause { Page = 0, User = 1, Request = 2 }

export enum Kind { Element = 1, Text = 2, Comment = 3, Doctype = 4, Document = 5, Shadow = 6, CDATA = 7 }
export const FLAG_SHADOW = 0x10;
export const FLAG_FRAME = 0x20;
export const FLAG_SVG = 0x40;
export const FLAG_MATHML = 0x80;

export const HTML_NS = "http://www.w3.org/1999/xhtml";
export const SVG_NS = "http://www.w3.org/2000/svg";
export const MATHML_NS = "http://www.w3.org/1998/Math/MathML";

export const QUIRKS = 1;
export const LIMITED_QUIRKS = 2;
export const XML = 4;

/** A decoded node. For elements `ns` is empty for HTML. */
export interface PageNode {
  id: number;
  kind: number;
  ns?: string;
  name?: string;
  /** names and values in turn */
  attrs?: string[];
  text?: string;
  base?: string;
  flags?: number;
  shadow?: PageNode;
  frame?: PageNode;
  children?: PageNode[];
}

/** The attributes of a node, by name and value. */
export function attributesOf({ attrs = [] }: PageNode): [name: string, value: string][] {
  return Array.from({ length: attrs.length / 2 }, (_, i) => [attrs[2 * i]!, attrs[2 * i + 1]!]);
}

/** A decoded page event; which fields are there follows from FIELDS. */
export interface PageEvent {
  op: Op;
  cause: Cause;
  dt: number;
  ids?: number[];
  n?: number[];
  name?: string;
  text?: string;
  nums?: number[];
  lines?: string[];
  data?: Uint8Array;
  node?: PageNode;
}

export interface PageState {
  hidden: boolean;
  width: number;
  height: number;
  dpr: number;
  zoom: number;
  title: string;
  document: PageNode;
  events: PageEvent[];
}

export interface Batch {
  base: number;
  events: PageEvent[];
}

/** Kinds of records. */
export enum RecordKind {
  PageState = 1, PageEvents = 2, EventRequest = 3, EventConfirmation = 4, Lock = 5, Lifecycle = 6, ChannelData = 7, Pointer = 8, Drawing = 9,
}

/** A record as stored and relayed. */
export interface LogRecord {
  offset: number;
  /** gateway's clock, µs since 1970 */
  time: number;
  kind: number;
  from: number;
  page: number;
  seq: number;
  payload: Uint8Array;
}

export type Action =
  | "click" | "doubleclick" | "hover" | "fill" | "check" | "uncheck" | "select" | "focus" | "scroll" | "key" | "navigate" | "back" | "forward";
export type Level = "view" | "point" | "propose" | "act";
export type Shape = "arrow" | "box" | "free" | "highlight";
export type Reason =
  | "conflict" | "locked" | "masked" | "gone" | "disabled" | "forbidden" | "refused" | "expired" | "failed" | "turn" | "repeated" | "stale" | "flood";

export interface EventRequest { id: number; node: number; action: Action; value?: string; seen: number }
export interface EventConfirmation { request: number; outcome: "confirmed" | "denied"; reason?: Reason; value?: string }
export interface Lock { node: number; held: boolean; by: number }
export interface PointerAt { node: number; x: number; y: number; vx: number; vy: number; down?: boolean }
export interface Drawing { id: number; shape: Shape; node: number; points: number[] }
export interface Person { participant: number; name: string; role: string; away?: boolean }
export interface Lifecycle {
  type: string; user?: string; url?: string; title?: string; participant?: number; name?: string; role?: string;
  level?: Level; by?: number; reason?: string;
}
