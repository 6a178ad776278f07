import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import { Fixtures } from "./fixtures.ts";
import { startAdminer, type Adminer } from "./legacy-sites.ts";
import { Pair } from "./pair.ts";
import { freePort, Program, root, startBrowser } from "./stage.ts";
import { startWiki, type Wiki } from "./wiki.ts";

// A user and an agent do a real task together, on sites that nobody here wrote
// and on those that people write today. At every step the mirror is the page.

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser?.close());

describe("DokuWiki: a page is written together", () => {
  let wiki: Wiki;
  let pair: Pair;

  beforeAll(async () => {
    wiki = await startWiki();
    pair = await Pair.open(browser, wiki.origin);
  });

  afterAll(async () => {
    await pair?.end();
    await wiki?.program.end();
  });

  it("from the first line to the saved page", async () => {
    const { user } = pair;
    await pair.share("/doku.php?id=rates&do=edit");
    await pair.step("the user begins", () => user.locator("#wiki__text").pressSequentially("====== Rates ======\nPlan A costs"));
    await pair.step("the agent proposes the rest; the user puts it right", async () => {
      await user.locator("#dokuwiki__header").click({ position: { x: 2, y: 2 } }); // moves on: the text is the agent's to change
      await pair.fills("#wiki__text", "====== Rates ======\nPlan A costs $100.\n\n  * children free");
      await pair.answers("allow", "====== Rates ======\nPlan A costs $110.\n\n  * children free");
      await expect.poll(() => user.locator("#wiki__text").inputValue()).toContain("$110");
    });
    await pair.step("the user uses a button of the editor", () => user.locator("#tool__bar button").first().click());
    await pair.step("the agent proposes a summary, which is refused", async () => {
      await pair.fills("#edit__summary", "no, not this");
      await pair.answers("deny");
    });
    await pair.step("the agent proposes another", async () => {
      await pair.fills("#edit__summary", "rates of this year");
      await pair.answers("allow");
      await expect.poll(() => user.locator("#edit__summary").inputValue()).toBe("rates of this year");
    });
    await pair.step("the agent asks for a preview", async () => {
      await pair.clicks("[name='do[preview]']");
      await pair.answers("allow");
      await user.locator(".preview").first().waitFor();
    });
    await pair.step("the user saves", async () => {
      await user.locator("[name='do[save]']").click();
      await user.getByRole("heading", { name: "Rates" }).waitFor();
    });
    await pair.replays(browser);
  });
});

describe("Adminer: a customer's record is put right", () => {
  let site: Adminer;
  let pair: Pair;

  beforeAll(async () => {
    site = await startAdminer();
    pair = await Pair.open(browser, site.origin);
  });

  afterAll(async () => {
    await pair?.end();
    await site?.program.end();
  });

  it("from signing in to the changed row", async () => {
    const { user } = pair;
    const home = `/?sqlite=&username=&db=${encodeURIComponent(site.database)}`;
    await user.context().addCookies([{ name: "adminer_version", value: "0", url: pair.gateway.site }]);
    await pair.share("/", "act");
    await pair.step("the user signs in", async () => {
      await user.locator("[name='auth[driver]']").selectOption("sqlite");
      await user.locator("[name='auth[db]']").fill(site.database);
      await user.getByRole("button", { name: "Login" }).click();
      await user.waitForURL((u) => u.searchParams.get("db") === site.database);
    });
    await pair.step("the list of rows", () => user.goto(pair.gateway.site + home + "&select=policy"));
    await pair.step("the agent has more rows loaded by the page's script", async () => {
      await user.locator("a.loadmore").scrollIntoViewIfNeeded();
      await pair.clicks("a.loadmore");
      await pair.answers("allow");
      await expect.poll(() => user.locator("#table tbody tr").count()).toBe(100);
    });
    await pair.step("a row is changed in place", async () => {
      await user.goto(pair.gateway.site + home + "&select=customer");
      await user.locator("pillion-assist [data-action=minimise]").click(); // the page's own buttons are there
      await user.locator("#table td[id^=val]").nth(1).click({ modifiers: ["Control"] });
      await user.locator("#table td[id^=val]").nth(1).locator("input, textarea").fill("Changed");
      await user.getByRole("button", { name: "Save", exact: true }).click();
      await user.locator(".message").waitFor();
    });
    await pair.step("the agent fills in the row's form", async () => {
      await user.goto(pair.gateway.site + home + "&edit=customer&where%5Bid%5D=2");
      await pair.fills("[name='fields[town]']", "Zürich");
      await expect.poll(() => user.locator("[name='fields[town]']").inputValue()).toBe("Zürich");
    });
    await pair.step("and the user lets it be saved", async () => {
      await pair.clicks("input[type=submit]");
      await pair.answers("allow");
      await user.locator(".message").waitFor();
    });
    await pair.replays(browser);
  });
});

describe("the sample site: an enrolment", () => {
  let site: Program;
  let origin: string;
  let pair: Pair;

  beforeAll(async () => {
    const [at, ...own] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    origin = `http://127.0.0.1:${at}`;
    const listen = own.map((p) => `127.0.0.1:${p}`);
    site = Program.start(`${root}/bin/pillion`, ["demo", "--site", `127.0.0.1:${at}`, "--listen", listen[0]!, "--console", listen[1]!, "--admin", listen[2]!, "--data", `/tmp/pillion-sample-${at}`]);
    await site.says(`http://${listen[2]}`);
    pair = await Pair.open(browser, origin);
  });

  afterAll(async () => {
    await pair?.end();
    await site?.end();
  });

  it("from the empty form to the confirmation", async () => {
    const { user } = pair;
    await pair.share("/enrol");
    await pair.step("the user types", () => user.locator("[name=name]").pressSequentially("Maria Muster"));
    await pair.step("the agent proposes a street", async () => {
      await pair.fills("[name=street]", "Weir Lane 3");
      await pair.answers("allow");
      await expect.poll(() => user.locator("[name=street]").inputValue()).toBe("Weir Lane 3");
    });
    await pair.step("the agent proposes a plan by its label", async () => {
      await pair.clicks("label[for=planB]");
      await pair.answers("allow");
      await expect.poll(() => user.locator("#planB").isChecked()).toBe(true);
    });
    await pair.step("the user ticks and chooses", async () => {
      await user.locator("#family").check();
      await user.locator("[name=state]").selectOption("Utah");
      await user.locator("[name=pin]").fill("4711");
    });
    await pair.step("the agent asks to send the form", async () => {
      await pair.clicks("[value=Submit]");
      await pair.answers("allow");
      await user.waitForURL("**/thanks");
    });
    await pair.replays(browser);
  });
});

describe.each(["react", "vue"])("a page made with %s: a claim is filed", (framework) => {
  let site: Fixtures;
  let pair: Pair;

  beforeAll(async () => {
    site = await Fixtures.start();
    pair = await Pair.open(browser, site.origin);
  });

  afterAll(async () => {
    await pair?.end();
    site?.end();
  });

  const model = async () => JSON.parse((await pair.user.locator("#model").textContent())!) as Record<string, unknown>;

  it("from the name to the sent form", async () => {
    const { user } = pair;
    await pair.share("/" + framework);
    await pair.step("the user types a name", () => user.locator("#name").pressSequentially("Maria"));
    await pair.step("the agent proposes an amount, the user corrects it", async () => {
      await pair.fills("#amount", "250");
      await pair.answers("allow", "260.5");
      await expect.poll(async () => String((await model())["amount"])).toBe("260.5");
    });
    await pair.step("the agent proposes a date", async () => {
      await pair.fills("#date", "2026-02-03");
      await pair.answers("allow");
      await expect.poll(async () => (await model())["date"]).toBe("2026-02-03");
    });
    await pair.step("the agent chooses from a list", async () => {
      await pair.chooses("#state", "Maine");
      await pair.answers("allow");
      await expect.poll(async () => (await model())["state"]).toBe("Maine");
    });
    await pair.step("the agent ticks and picks", async () => {
      await pair.clicks("#cover");
      await pair.answers("allow");
      await pair.clicks("#planB");
      await pair.answers("allow");
      await expect.poll(async () => [(await model())["cover"], (await model())["plan"]]).toEqual([true, "B"]);
    });
    await pair.step("the user uses the page's own list of towns", async () => {
      await user.locator("#city").pressSequentially("Br");
      await user.locator("#cities [role=option]").first().click();
    });
    await pair.step("the agent picks a day in the page's own calendar", async () => {
      await pair.clicks("#day");
      await pair.answers("allow");
      await pair.mirror("#d14").waitFor();
      await pair.clicks("#d14");
      await pair.answers("allow");
      await expect.poll(async () => (await model())["day"]).toBe("2026-02-14");
    });
    await pair.step("the agent adds an item and names it", async () => {
      await pair.clicks("#add");
      await pair.answers("allow");
      await pair.mirror("#item0").waitFor();
      await pair.fills("#item0", "glasses");
      await pair.answers("allow");
      await expect.poll(async () => (await model())["items"]).toEqual(["glasses"]);
    });
    await pair.step("the agent rates within a shadow root", async () => {
      await pair.clicks("#star2");
      await pair.answers("allow");
      await expect.poll(async () => (await model())["stars"]).toBe(2);
    });
    await pair.step("the agent asks to send it", async () => {
      await pair.clicks("#send");
      await pair.answers("allow");
      await expect.poll(async () => (await model())["sent"]).toBe(1);
    });
    await pair.replays(browser);
  });
});
