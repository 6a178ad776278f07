// Certificates, and a browser of its own settings.
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { Program } from "./stage.ts";

async function ran(command: string, args: string[]): Promise<void> {
  const path = ["/usr/bin/", "/usr/sbin/"].map((dir) => dir + command).find(existsSync);
  if (!path) throw new Error(`${command} is not there: run make packages`);
  const p = Program.start(path, args);
  if ((await p.exit()) !== 0) throw new Error(`${command} ${args.join(" ")}:\n${p.output}`);
}

export interface Pair { cert: string; key: string }

/** A certificate that vouches for itself, in two files. */
export async function selfSigned(names: string[], dir = mkdtempSync(join(tmpdir(), "pillion-pair-"))): Promise<Pair> {
  const pair = { cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
  const subject = names.map((n) => (/^[\d.]+$/.test(n) ? `IP:${n}` : `DNS:${n}`)).join();
  await ran("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=test",
    "-addext", `subjectAltName=${subject}`, "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", pair.key, "-out", pair.cert,
  ]);
  return pair;
}

/** What Chromium's list of keys to trust calls a certificate's key. */
export function keyHash(cert: string): string {
  const spki = new X509Certificate(readFileSync(cert)).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

/** A home folder whose browsers trust an authority, as users are told to have it. */
export async function homeThatTrusts(authority: string): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), "pillion-home-"));
  const db = join(home, ".pki", "nssdb");
  mkdirSync(db, { recursive: true });
  writeFileSync(join(home, "ca.pem"), authority);
  await ran("certutil", ["-d", `sql:${db}`, "-N", "--empty-password"]);
  await ran("certutil", ["-d", `sql:${db}`, "-A", "-n", "pillion", "-t", "C,,", "-i", join(home, "ca.pem")]);
  return home;
}

/** The same browser as startBrowser's, with more arguments and QUIC. */
export async function browserWith(args: string[], env: Record<string, string> = {}): Promise<Browser> {
  const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(path)) throw new Error(`${path} is not there: run make packages`);
  return chromium.launch({
    executablePath: path, env: { ...(process.env as Record<string, string>), ...env },
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...args],
  });
}
