import { appendFileSync, cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Program } from "./stage.ts";

// A site that nobody here wrote: Debian's DokuWiki under PHP's own server.
const DOKUWIKI = "/usr/share/dokuwiki";

/** A configuration and pages of the test's own: everybody may edit. */
function configure(more: string): string {
  const dir = mkdtempSync(join(tmpdir(), "pillion-wiki-"));
  cpSync("/etc/dokuwiki", join(dir, "conf"), { recursive: true, dereference: true });
  cpSync("/var/lib/dokuwiki/data", join(dir, "data"), { recursive: true, dereference: true });
  appendFileSync(join(dir, "conf", "local.php"), `\n$conf['useacl'] = 0; $conf['savedir'] = '${dir}/data'; ${more}\n`);
  writeFileSync(join(dir, "prepend.php"), `<?php define('DOKU_CONF', '${dir}/conf/');\n`);
  return join(dir, "prepend.php");
}

export interface Wiki { program: Program; origin: string }

/** Tokens and times differ from one answer to the next. */
export const steadyWiki = (text: string) =>
  text.replace(/(sectok|value|[?&]\d{10}|tseed|tok)(="?[0-9a-f]*|)/g, "$1").replace(/\d{9,}|\d+ \w+ ago/g, "N");

/** Starts it with more of a configuration, in PHP. */
export async function startWiki(more = "", port?: number): Promise<Wiki> {
  const at = `127.0.0.1:${port ?? (await freePort())}`;
  const program = Program.start("php", ["-d", `auto_prepend_file=${configure(more)}`, "-S", at, "-t", DOKUWIKI], { cwd: DOKUWIKI, env: { PHP_CLI_SERVER_WORKERS: "4" }, workers: true });
  await program.says("started");
  return { program, origin: `http://${at}` };
}
