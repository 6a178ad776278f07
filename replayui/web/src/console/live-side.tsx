import type { Account } from "../view/api.ts";
import type { Parts } from "./live-session.ts";
import { acts, active, control, level, me, missing, pages, people, preview, requests, state, user, nameOfPerson, type Asked } from "./live-state.ts";
import { LEVELS, reaches, reasonWords } from "./live-words.ts";

/** What stands beside the page: what is allowed, who is there, the user's pages, the requests. */
export function Side({ account, parts }: { account: Account; parts: () => Parts }) {
  return (
    <>
      {!preview.value && <Allowed />}
      {!preview.value && <People account={account} parts={parts} />}
      <Pages />
      {!preview.value && <Requests />}
      <p class="grow" />
      <small>
        Signed in as {account.name}
        {missing.value > 0 && <span class="missing" data-testid="missing"> · {missing.value} file{missing.value === 1 ? "" : "s"} missing</span>}
      </small>
    </>
  );
}

function Allowed() {
  const l = LEVELS[level.value];
  return (
    <section aria-labelledby="allowed">
      <h2 id="allowed">The user allows</h2>
      <p class="allowed" data-testid="level" data-level={level.value} aria-live="polite"><span class={"chip level-" + level.value}>{l.name}</span> {l.words}</p>
    </section>
  );
}

function People({ account, parts }: { account: Account; parts: () => Parts }) {
  const send = (m: object) => parts().link.send(m);
  const holder = people.value.find((p) => p.participant === control.value);
  const mayTake = !acts.value && state.value === "live" && (!holder || holder.away || account.role !== "agent");
  return (
    <section aria-labelledby="people">
      <h2 id="people">People</h2>
      <p class="turn" data-testid="turn" aria-live="polite">
        {!reaches(level.value, "propose") ? <b>Only the user acts</b> : acts.value ? <b>You act</b> : control.value ? <b>{nameOfPerson(control.value)} acts</b> : <b>Nobody acts</b>}
        {mayTake && <button class="plain small" data-testid="take" onClick={() => send({ type: "take" })}>Take over</button>}
      </p>
      <ul class="people">
        <li><i class="dot who-1" /><span>{user.value || "The user"}<small>user</small></span></li>
        {people.value.filter((p) => p.participant !== 1).map((p) => (
          <li key={p.participant} data-testid="person">
            <i class={`dot who-${p.participant % 6}`} />
            <span>{p.name}<small>{p.participant === me.value ? `you · ${p.role}` : p.away ? `${p.role} · away` : p.role}</small></span>
            {acts.value && p.participant !== me.value && !p.away && reaches(level.value, "propose") && (
              <button class="plain small" data-testid="hand" aria-label={`Hand control to ${p.name}`} title={`Hand control to ${p.name}`} onClick={() => send({ type: "hand", to: p.participant })}>Hand control</button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Pages() {
  if (!pages.value.length) return null;
  return (
    <section aria-labelledby="pages">
      <h2 id="pages">The user’s pages</h2>
      <ul class="pages">
        {pages.value.map((p) => (
          <li key={p.page} data-testid="page-row" aria-current={p.page === active.value ? "page" : undefined} title={p.url}>
            <b>{p.title || "Untitled page"}</b>
            <small>{p.url}</small>
          </li>
        ))}
      </ul>
      {pages.value.length > 1 && <p class="hint">You follow the page that the user has in front.</p>}
    </section>
  );
}

function Requests() {
  const pending = requests.value.filter((r) => r.state === "pending").length;
  return (
    <section class="asked" aria-labelledby="requests">
      <h2 id="requests">Requests <span class="count" data-testid="pending-count">{pending ? `${pending} pending` : ""}</span></h2>
      {!requests.value.length && <p class="hint">What you do on the page is asked of the user’s browser, and shows once it is confirmed.</p>}
      <ul class="requests" aria-live="polite" aria-relevant="additions text">
        {requests.value.toReversed().map((r) => <Request key={r.id} r={r} />)}
      </ul>
    </section>
  );
}

function Request({ r }: { r: Asked }) {
  const others = r.from && r.from !== me.value ? ` · ${nameOfPerson(r.from)}` : "";
  return (
    <li class={r.state} data-testid={r.state} data-action={r.action}>
      <b>{r.what}</b>
      {r.to !== undefined && (
        <span class="change">
          <del>{r.old || "empty"}</del> → <ins>{r.to || "empty"}</ins>
        </span>
      )}
      {r.made !== undefined && <span class="change">The user changed it to <ins>{r.made || "empty"}</ins></span>}
      <span class="said">{r.state === "denied" ? `Denied: ${reasonWords(r.reason)}` : r.state === "confirmed" ? "Done" : "Pending…"}{others}</span>
    </li>
  );
}
