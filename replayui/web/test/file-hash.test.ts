import { expect, it } from "vitest";
import { hashOf } from "../src/capture/file-hash.ts";

it("hashes a file's name as the gateway does", () => {
  expect(hashOf("")).toBe("cbf29ce484222325");
  expect(hashOf("scan.pdf")).toBe("b6f71e875e94b180"); // events/files_test.go has the same
});
