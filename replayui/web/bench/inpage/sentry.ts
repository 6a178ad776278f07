import { record } from "@sentry-internal/rrweb";
import { jsonContender } from "./contender.ts";

globalThis.contender = jsonContender(record as Parameters<typeof jsonContender>[0]);
