import { words } from "./words/en.ts";

export type Word = keyof typeof words;
/** A text of ours in the page's language, or the operator's own, with what is put in. */
export type Say = (word: Word, put?: Record<string, string>) => string;

export function sayer(own: Record<string, string> = {}): Say {
  return (word, put = {}) => (own[word] ?? words[word]).replace(/{(\w+)}/g, (whole, name: string) => put[name] ?? whole);
}
