import { describe, expect, it } from "vitest";
import type { Action, Level } from "../src/protocol/format.ts";
import { decide } from "../src/capture/turns.ts";
import { Agent, ASKED_MS, Browser, dice, Fault, Gateway, judge, NODES, type Faults } from "./turns.model.ts";

type Wire = NonNullable<Browser["wire"]>;

/** One schedule: what happens, in an order that the seed decides. */
class Schedule {
  private readonly roll: (sides: number) => number;
  private time = 0;
  readonly browser: Browser;
  readonly gateway: Gateway;
  readonly agent = new Agent();
  private wires: Wire[] = [];
  private fromAgent: (() => void)[] = [];
  private asks = 0;
  /** requests that the user allowed: those may overwrite what the agent had not seen */
  readonly allowed = new Set<number>();
  drops = 0;

  constructor(seed: number, faults: Faults) {
    this.roll = dice(seed);
    const now = () => this.time;
    this.browser = new Browser(now, faults);
    this.gateway = new Gateway(now, faults);
    this.connect();
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.once();
    this.settle();
  }

  private connect(): void {
    const wire: Wire = { up: [], down: [], cut: false };
    this.wires.push(wire);
    this.browser.connect(wire);
  }

  private once(): void {
    switch (this.roll(16)) {
      case 0: case 1: case 2: return this.up();
      case 3: case 4: return this.down();
      case 5: case 6: return this.relay();
      case 7: case 8: return this.request();
      case 9: return this.roll(4) ? this.fromAgent.shift()?.() : this.relay();
      case 10: return this.user();
      case 11: return this.browser.acting ? this.browser.step() : this.browser.flush();
      case 12: return this.question();
      case 13: return this.pass([50, 50, 50, 400, 400, 400, 3000, 3000, 11_000, 31_000][this.roll(10)]!);
      case 14: return [() => this.level(), () => this.gateway.resync(), () => this.browser.flush()][Math.min(2, this.roll(8))]!();
      case 15: return this.roll(6) ? this.relay() : this.drop();
    }
  }

  /** Something of what is on its way arrives at the gateway. */
  private up(): void {
    const wire = this.wires[this.roll(this.wires.length)];
    if (!wire) return;
    const m = wire.up.shift();
    if (m) return this.gateway.hear(wire, m);
    if (!wire.cut) return;
    this.wires = this.wires.filter((w) => w !== wire);
    this.gateway.gone(wire);
  }

  private down(): void {
    if (this.browser.wire?.cut) this.browser.lost();
    const m = this.browser.wire?.down.shift();
    if (m) this.browser.hear(m);
    else if (!this.browser.wire) this.connect();
  }

  private relay(): void {
    for (let n = this.roll(4); n >= 0; n--) {
      const e = this.gateway.log[this.agent.seen];
      if (e) this.agent.hear(e);
    }
  }

  private request(): void {
    if (!this.agent.page || this.agent.pending.size > 4) return this.relay();
    const node = NODES[this.roll(NODES.length)]!;
    const action = (["fill", "fill", "fill", "click", "check", "key"] as Action[])[this.roll(6)]!;
    const n = ++this.asks;
    const r = { from: 2 + this.roll(2), name: "", node, action, value: n + "a", seen: this.agent.seen };
    const { page } = this.agent;
    const ask = () => this.gateway.ask(String(n), r, page);
    this.fromAgent.push(ask);
    if (!this.roll(5)) this.fromAgent.push(ask); // a console that sent it again
  }

  private user(): void {
    if (this.roll(3)) this.browser.edit(NODES[this.roll(NODES.length)]!);
    else this.browser.moved();
  }

  private question(): void {
    const ids = [...this.browser.asked];
    if (!ids.length) return;
    const id = ids[this.roll(ids.length)]!;
    const allow = this.roll(3) > 0;
    if (allow) this.allowed.add(id);
    this.browser.answerQuestion(id, allow, allow && !this.roll(2) ? "edited" : undefined);
  }

  private level(): void {
    this.browser.setLevel((["act", "act", "act", "act", "act", "act", "propose", "propose", "point", "view"] as Level[])[this.roll(10)]!);
  }

  private pass(ms: number): void {
    this.time += ms;
    this.browser.turns.tick();
    this.gateway.tick();
  }

  private drop(): void {
    const wire = this.browser.wire;
    if (!wire) return;
    this.drops++;
    wire.cut = true;
    wire.down = [];
    wire.up.length = this.roll(wire.up.length + 1); // the rest is lost
    this.browser.lost();
  }

  /** Lets everything come to its end: the connection is good, and time passes. */
  private settle(): void {
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 400; i++) {
        if (this.browser.wire?.cut) this.browser.lost();
        if (!this.browser.wire) this.connect();
        while (this.wires.some((w) => w.cut || w.up.length)) {
          const wire = this.wires[0]!;
          const m = wire.up.shift();
          if (m) this.gateway.hear(wire, m);
          else if (wire.cut) {
            this.wires.shift();
            this.gateway.gone(wire);
          } else this.wires.push(this.wires.shift()!);
        }
        this.fromAgent.shift()?.();
        if (this.browser.acting) this.browser.step();
        this.browser.flush();
        if (this.browser.wire!.down.length) this.down();
        else if (!this.browser.acting && !this.fromAgent.length && !this.browser.wire!.up.length) break;
      }
      this.pass(ASKED_MS + 1000);
    }
    while (this.agent.seen < this.gateway.log.length) this.relay();
  }

  /** What must be so when all is quiet. */
  check(): ReturnType<typeof judge> {
    const count = judge(this.gateway.log, this.allowed);
    const { browser, gateway, agent } = this;
    for (const node of NODES) {
      const values = [browser.values[node], gateway.values[node], agent.values[node]];
      if (new Set(values).size > 1) throw new Fault(`node ${node} has the values ${values.join(", ")}`);
      const holders = [browser.locks.holder(node), gateway.locks.get(node) ?? 0, agent.locks.get(node) ?? 0];
      if (new Set(holders).size > 1) throw new Fault(`node ${node} is held by ${holders.join(", ")}`);
    }
    if (agent.pending.size) throw new Fault("the agent still waits");
    for (const [id, denied] of browser.answers) {
      const logged = gateway.log.find((e) => e.kind === "answer" && e.request === id);
      if (logged?.kind === "answer" && logged.denied !== denied) throw new Fault(`request ${id}: the browser says ${denied ?? "confirmed"}, the log ${logged.denied ?? "confirmed"}`);
    }
    return count;
  }
}

/** Runs schedules until one goes wrong; tells what was wrong, and how much happened. */
function search(schedules: number, faults: Faults, steps = 160) {
  const sum = { confirmed: 0, denied: 0, locks: 0, drops: 0 };
  for (let seed = 1; seed <= schedules; seed++) {
    try {
      const s = new Schedule(seed, faults);
      s.run(steps);
      const n = s.check();
      sum.confirmed += n.confirmed;
      sum.denied += n.denied;
      sum.locks += n.locks;
      sum.drops += s.drops;
    } catch (e) {
      if (!(e instanceof Fault)) throw e;
      return { ...sum, seed, fault: e.message };
    }
  }
  return { ...sum, seed: 0, fault: "" };
}

describe("the user, an agent and the gateway, in any order", () => {
  it("come to the same values and locks, with one answer to each request, in 40,000 schedules", () => {
    const found = search(40_000, {});
    expect(found.fault, `seed ${found.seed}`).toBe("");
    // The schedules are worth something: all of it happened, and often.
    for (const n of [found.confirmed, found.denied, found.locks, found.drops]) expect(n).toBeGreaterThan(30_000);
  }, 120_000);

  const rules: [string, Faults, RegExp][] = [
    ["what the user changed meanwhile is a conflict", { decide: (r, level, f, allowed) => decide(r, level, { ...f, changed: false }, allowed) }, /had not seen/],
    ["an element has one holder", { grabbing: true }, /held by|holds/],
    ["the user's touch ends an agent's change", { stubborn: true }, /the user changes node/],
    ["a request that comes again is left", { forgetful: true }, /two answers|the browser says|two acts|had not seen|holds/],
    ["the browser alone decides while it is there", { hasty: true }, /the browser says/],
    ["numbers of a page that was given up are void", { lenient: true }, /the browser says/],
    ["numbers from before a page state are void", { decide: (r, level, f, allowed) => decide(r, level, { ...f, bar: undefined }, allowed) }, /another page state/],
    ["a lower level ends what is under way", { decide: (r, level, f, allowed) => decide(r, level === "point" ? "act" : level, f, allowed) }, /at level/],
  ];
  for (const [rule, faults, what] of rules) {
    it(`go wrong without the rule that ${rule}`, () => {
      expect(search(3000, faults).fault).toMatch(what);
    });
  }
});
