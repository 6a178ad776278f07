import { expect, it } from "vitest";
import { RecordKind, type LogRecord } from "../src/protocol/format.ts";
import { Recording } from "../src/player/recording.ts";

// What of a recording is shown at a time.

const START = "2026-03-04T10:00:00.250400Z";
const record = (offset: number, micros: number): LogRecord =>
  ({ offset, time: Date.parse("2026-03-04T10:00:00Z") * 1000 + 250_400 + micros, kind: RecordKind.PageState, from: 1, page: 1, seq: offset, payload: new Uint8Array() });

function recordingOf(...records: LogRecord[]): Recording {
  const to = records.length;
  return new Recording(
    { records: async () => records, fidelity: async () => ({ found: 0, missing: 0, files: [] }) },
    { start: START, duration: 1363, pages: [], segments: [{ n: 0, from: 1, to, t0: 0, t1: 1363 }], keyframes: [] } as never,
    [],
  );
}

it("shows a record at the time that its mark says, which is in whole milliseconds", async () => {
  const recording = recordingOf(record(1, 0), record(2, 1_362_999), record(3, 1_363_720));
  const at = async (ms: number) => {
    const offsets = [];
    for await (const r of recording.between(0, ms)) offsets.push((r as LogRecord).offset);
    return offsets;
  };
  expect(await at(0)).toEqual([1]);
  expect(await at(1361)).toEqual([1]);
  expect(await at(1362)).toEqual([1, 2]);
  expect(await at(1363)).toEqual([1, 2, 3]); // the end too, where nothing is later
});
