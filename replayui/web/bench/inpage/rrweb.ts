import { record } from "rrweb";
import { jsonContender } from "./contender.ts";

declare global {
  /** told of each event as JSON, where somebody asks for them */
  var rrwebEvent: ((text: string) => void) | undefined;
}

globalThis.contender = jsonContender(record as Parameters<typeof jsonContender>[0], (text) => globalThis.rrwebEvent?.(text));
