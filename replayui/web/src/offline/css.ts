/**
 * Calls f for each URL of a style sheet, unescaped, and returns the sheet with
 * f's answers in their places; all other text stays. URLs are those of url(),
 * src(), @import, image() and image-set(), found by tokens as in CSS Syntax 3: the
 * gateway does the same (package rewrite), and the tests hold both to one list.
 */
export function mapCss(text: string, f: (url: string) => string): string {
  return /[(@]/.test(text) ? new Sheet(text, f).whole() : text;
}

const NAME = /[-_a-zA-Z0-9\u0080-\uffff]/;
const SPACE = /[ \t\n\r\f]/;
/** A longer token is no URL that anybody means. */
const MAX_TOKEN = 64 << 10;

class Sheet {
  private pos = 0;
  private kept = 0;
  private out = "";
  /** the functions and brackets that are open; whether their strings are URLs */
  private open: boolean[] = [];
  /** at the first token after @import, or in another at-rule's prelude where nothing is loaded */
  private prelude: "" | "import" | "namespace" = "";

  constructor(private readonly text: string, private readonly each: (url: string) => string) {}

  whole(): string {
    while (this.pos < this.text.length) this.token();
    return this.out + this.text.slice(this.kept);
  }

  private token(): void {
    const c = this.text[this.pos]!;
    if (c === "/" && this.text[this.pos + 1] === "*") this.comment();
    else if (c === '"' || c === "'") this.string();
    else if (c === "@") {
      this.pos++;
      const name = this.name().toLowerCase();
      this.prelude = name === "import" ? "import" : name === "namespace" ? "namespace" : "";
    } else if (NAME.test(c) || c === "\\") this.word();
    else {
      if (c === "(") this.open.push(false);
      else if (c === ")") this.open.pop();
      else if (c === ";" || c === "{" || c === "}") {
        this.prelude = "";
        if (c !== ";") this.open.length = 0;
      }
      this.pos++;
    }
  }

  private comment(): void {
    const end = this.text.indexOf("*/", this.pos + 2);
    this.pos = end < 0 ? this.text.length : end + 2;
  }

  /** Reads a name with its escapes undone. */
  private name(): string {
    let name = "";
    for (;;) {
      const c = this.text[this.pos];
      if (c === undefined) return name;
      if (NAME.test(c)) {
        name += c;
        this.pos++;
      } else if (c === "\\" && !/[\n\r\f]/.test(this.text[this.pos + 1] ?? "\n")) name += this.escape();
      else return name;
    }
  }

  /** Reads an escape and returns what it stands for. */
  private escape(): string {
    const hex = /^\\([0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\r\f])?/.exec(this.text.slice(this.pos, this.pos + 9));
    if (!hex) {
      const c = String.fromCodePoint(this.text.codePointAt(this.pos + 1)!);
      this.pos += 1 + c.length;
      return c;
    }
    this.pos += hex[0].length;
    const code = parseInt(hex[1]!, 16);
    return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? "\ufffd" : String.fromCodePoint(code);
  }

  private word(): void {
    const start = this.pos;
    const name = this.name().toLowerCase();
    if (this.pos === start) {
      this.pos++; // a backslash before a line break
      return;
    }
    if (this.text[this.pos] !== "(") return;
    this.pos++;
    if (name !== "url") {
      const imports = this.prelude === "import";
      this.open.push(name === "src" || (!imports && /^(-webkit-)?image-set$|^image$/.test(name)));
      return;
    }
    let at = this.pos;
    while (SPACE.test(this.text[at] ?? "")) at++;
    if (this.text[at] === '"' || this.text[at] === "'") {
      this.open.push(this.prelude !== "namespace");
      this.pos = at;
      if (this.prelude === "import") this.prelude = "";
    } else this.bare(start, at);
  }

  /** A URL without quotes, from its first character on. */
  private bare(start: number, from: number): void {
    this.pos = from;
    let url = "";
    for (;;) {
      const c = this.text[this.pos];
      if (c === undefined || c === ")") break;
      if (SPACE.test(c)) {
        while (SPACE.test(this.text[this.pos] ?? "")) this.pos++;
        if (this.pos < this.text.length && this.text[this.pos] !== ")") return this.bad();
        break;
      }
      if (/["'(]/.test(c) || c < " " || c === "\x7f") return this.bad();
      if (c === "\\") {
        if (/[\n\r\f]/.test(this.text[this.pos + 1] ?? "\n")) return this.bad();
        url += this.escape();
      } else {
        url += c;
        this.pos++;
      }
    }
    if (this.pos < this.text.length) this.pos++;
    const namespace = this.prelude === "namespace";
    if (this.prelude === "import") this.prelude = "";
    if (url && !namespace && this.pos - start <= MAX_TOKEN) this.found(start, this.pos, url, true);
  }

  /** A bad URL token ends with its bracket, and stays. */
  private bad(): void {
    while (this.pos < this.text.length && this.text[this.pos] !== ")") {
      if (this.text[this.pos] === "\\") this.pos++;
      this.pos++;
    }
    this.pos++;
  }

  private string(): void {
    const start = this.pos;
    const quote = this.text[this.pos++]!;
    let value = "";
    for (;;) {
      const c = this.text[this.pos];
      if (c === undefined) break;
      if (c === quote) {
        this.pos++;
        break;
      }
      if (/[\n\r\f]/.test(c)) return; // a bad string: it ends before the line does
      if (c !== "\\") {
        value += c;
        this.pos++;
      } else if (this.pos + 1 >= this.text.length) this.pos++;
      else if (/[\n\r\f]/.test(this.text[this.pos + 1]!)) this.pos += this.text.startsWith("\r\n", this.pos + 1) ? 3 : 2;
      else value += this.escape();
    }
    const imports = this.prelude === "import" && !this.open.length;
    if (imports) this.prelude = "";
    if (value && (imports || this.open.at(-1)) && this.pos - start <= MAX_TOKEN) this.found(start, this.pos, value, false);
  }

  private found(start: number, end: number, url: string, bare: boolean): void {
    const mapped = this.each(url);
    if (mapped === url) return;
    const quoted = quote(mapped);
    this.out += this.text.slice(this.kept, start) + (bare ? `url(${quoted})` : quoted);
    this.kept = end;
  }
}

function quote(url: string): string {
  return '"' + url.replace(/["\\]/g, "\\$&").replace(/[\0-\x1f\x7f<>]/g, (c) => `\\${c.charCodeAt(0).toString(16)} `) + '"';
}

/**
 * The same for a srcset or imagesrcset attribute ("parse a srcset attribute", HTML
 * 4.8.4.3.10): a URL may hold commas, and a comma within parentheses ends no candidate.
 */
export function mapSrcset(text: string, f: (url: string) => string): string {
  let out = "";
  for (let pos = 0; ; ) {
    const lead = /^[ \t\n\r\f,]*/.exec(text.slice(pos))![0];
    out += lead;
    pos += lead.length;
    if (pos >= text.length) return out;
    const word = /^[^ \t\n\r\f]+/.exec(text.slice(pos))![0];
    const url = word.replace(/,+$/, "");
    out += f(url) + word.slice(url.length);
    pos += word.length;
    if (url !== word) continue; // commas ended it: it has no descriptors
    let parens = false;
    const start = pos;
    for (; pos < text.length; pos++) {
      const c = text[pos];
      if (c === "(") parens = true;
      else if (c === ")") parens = false;
      else if (c === "," && !parens) {
        pos++;
        break;
      }
    }
    out += text.slice(start, pos);
  }
}
