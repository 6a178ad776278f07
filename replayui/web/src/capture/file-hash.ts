/** FNV-1a of 64 bits over the UTF-8 of a name, in hexadecimal (events/files.go). */
export function hashOf(name: string): string {
  let h = 0xcbf29ce484222325n;
  for (const b of new TextEncoder().encode(name)) h = BigInt.asUintN(64, (h ^ BigInt(b)) * 0x100000001b3n);
  return h.toString(16).padStart(16, "0");
}
