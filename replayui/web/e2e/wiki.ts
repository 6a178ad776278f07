import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { freePort, Program, root } from "./stage.ts";

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

/** A user of the wiki that [startGuardedWiki] starts. */
export const MEMBER = { name: "maria", password: "alder-2019" };

/** A picture that only members get. */
function photo(): Buffer {
  const png = new PNG({ width: 180, height: 90 });
  for (let i = 0; i < png.data.length; i += 4) png.data.set([(i / 4) % 180, 90 + (i % 97), 160, 255], i);
  return PNG.sync.write(png);
}

/**
 * A wiki with files of its own, where pages are for everybody and editing, and
 * what is private, for those who sign in; with a font and pictures.
 */
export async function startGuardedWiki(): Promise<Wiki & { files: string }> {
  const prepend = configure("");
  const dir = join(prepend, "..");
  const files = join(dir, "site");
  cpSync(DOKUWIKI, files, { recursive: true, dereference: true });
  cpSync(join(root, "cmd/pillion/demosite/fonts/card.ttf"), join(files, "lib/images/card.ttf"));
  appendFileSync(join(dir, "conf/local.php"), "$conf['useacl'] = 1; $conf['autopasswd'] = 0; $conf['superuser'] = '@admin';\n");
  for (const folder of ["pages", "media"]) mkdirSync(join(dir, "data", folder, "private"), { recursive: true });
  writeFileSync(join(dir, "data/media/private/photo.png"), photo());
  writeFileSync(join(dir, "data/pages/private/file.txt"), "====== Claim 4711 ======\n{{:private:photo.png }} The member’s photograph.\n\n{{ wiki:dokuwiki-128.png}} ''A font of the site''\n\n  * one\n  * two\n");
  writeFileSync(join(dir, "conf/acl.auth.php"), "# <?php exit()?>\n*\t@ALL\t1\n*\t@user\t8\nprivate:*\t@ALL\t0\nprivate:*\t@user\t8\n");
  writeFileSync(join(dir, "conf/users.auth.php"), `# <?php exit()?>\n${MEMBER.name}:${createHash("md5").update(MEMBER.password).digest("hex")}:Maria Muster:maria@localhost:user\n`);
  writeFileSync(join(dir, "conf/userstyle.css"), `@font-face { font-family: "Card"; src: url(lib/images/card.ttf); }\n.dokuwiki h1, code { font-family: "Card", serif; }\n`);
  const at = `127.0.0.1:${await freePort()}`;
  const program = Program.start("php", ["-d", `auto_prepend_file=${prepend}`, "-S", at, "-t", files], { cwd: files, env: { PHP_CLI_SERVER_WORKERS: "4" }, workers: true });
  await program.says("started");
  return { program, origin: `http://${at}`, files: dir };
}

/** Writes over every file below a folder. */
export function changeAll(folder: string): number {
  let changed = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) changed += changeAll(path);
    else {
      writeFileSync(path, "another file\n");
      changed++;
    }
  }
  return changed;
}
