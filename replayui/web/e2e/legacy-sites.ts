import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Program } from "./stage.ts";

// Sites that nobody here wrote, from Debian's packages: apache2-doc under Apache
// itself, and Adminer on a database of the test's own.

export interface LegacySite { program: Program; origin: string }

const MODULES = ["mpm_event", "authz_core", "mime", "negotiation", "dir", "alias", "deflate", "filter"];

export async function startManual(): Promise<LegacySite> {
  const dir = mkdtempSync(join(tmpdir(), "pillion-manual-"));
  const at = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(dir, "apache.conf"), `
    ServerRoot ${dir}
    ServerName ${at}
    Listen ${at}
    PidFile ${dir}/pid
    Mutex file:${dir}
    ErrorLog ${dir}/errors
    User www-data
    Group www-data
    ${MODULES.map((m) => `LoadModule ${m}_module /usr/lib/apache2/modules/mod_${m}.so`).join("\n")}
    TypesConfig /etc/mime.types
    AddOutputFilterByType DEFLATE text/html text/css
    DocumentRoot /usr/share/doc/apache2-doc
    DirectoryIndex index.html
    <Directory /usr/share/doc/apache2-doc>
      Options MultiViews FollowSymLinks
      Require all granted
    </Directory>
  `);
  const program = Program.start("/usr/sbin/apache2", ["-DFOREGROUND", "-f", join(dir, "apache.conf")]);
  await answers(program, `http://${at}/manual/en/index.html`);
  return { program, origin: `http://${at}` };
}

/** The rows of the test's database: more than Adminer shows at once. */
const SEED = `
  $db = new SQLite3($argv[1]);
  $db->exec("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT DEFAULT 'Bern', born DATE);
    CREATE TABLE policy (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer(id), kind TEXT, premium REAL, note TEXT);
    CREATE INDEX policy_customer ON policy (customer);
    CREATE VIEW premium AS SELECT c.name, SUM(p.premium) AS total FROM customer c JOIN policy p ON p.customer = c.id GROUP BY c.id;
    CREATE TRIGGER trimmed AFTER INSERT ON customer BEGIN UPDATE customer SET name = TRIM(name) WHERE id = new.id; END;");
  for ($i = 1; $i <= 120; $i++) {
    $db->exec("INSERT INTO customer (name, town, born) VALUES ('Customer $i', 'Town " . $i % 7 . "', '19" . (10 + $i % 90) . "-01-02')");
    $db->exec("INSERT INTO policy (customer, kind, premium, note) VALUES ($i, 'health', $i * 1.5, 'Größe <b>&amp;</b> " . str_repeat("long ", $i % 30) . "')");
  }
`;

// Adminer refuses SQLite without a password, unless a plugin says otherwise.
const INDEX = `<?php
function adminer_object() {
  class AdminerOpen extends Adminer {
    function login($login, $password) { return true; }
    function credentials() { return array("", "", ""); }
  }
  return new AdminerOpen;
}
include "/usr/share/adminer/adminer.php";
`;

export interface Adminer extends LegacySite { database: string }

export async function startAdminer(): Promise<Adminer> {
  const dir = mkdtempSync(join(tmpdir(), "pillion-adminer-"));
  const database = join(dir, "insurance.db");
  const at = `127.0.0.1:${await freePort()}`;
  mkdirSync(join(dir, "www"));
  writeFileSync(join(dir, "www", "index.php"), INDEX);
  writeFileSync(join(dir, "seed.php"), "<?php" + SEED);
  const seeded = Program.start("php", [join(dir, "seed.php"), database]);
  if ((await seeded.exit()) !== 0) throw new Error(`the database was not seeded:\n${seeded.output}`);
  const program = Program.start("php", ["-d", "display_errors=0", "-S", at, "-t", join(dir, "www")], { env: { PHP_CLI_SERVER_WORKERS: "4" }, workers: true });
  await program.says("started");
  return { program, origin: `http://${at}`, database };
}

/** Waits until a server that says nothing serves a page. */
async function answers(program: Program, url: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const r = await fetch(url).catch(() => null);
    if (r?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${program.name} does not serve ${url}:\n${program.output}`);
}
