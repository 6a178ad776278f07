import { signal } from "@preact/signals";
import { render } from "preact";
import { get, Problem, type Account } from "../view/api.ts";
import { SignIn } from "../view/signin.tsx";
import { Export } from "./export.tsx";
import { Player, recording, trouble } from "./player.tsx";
import { Recording } from "./recording.ts";

const signedIn = signal<boolean | undefined>(undefined);
const account = signal<Account | undefined>(undefined);

function App() {
  if (signedIn.value === false) return <SignIn done={() => void start()} />;
  if (!recording.value && trouble.value) {
    return (
      <main class="center">
        <div class="panel">
          <h1>This recording cannot be opened</h1>
          <p class="wrong" role="alert">{trouble.value}</p>
          <a class="button plain" href="/">Back to the console</a>
        </div>
      </main>
    );
  }
  return <Player recording={recording.value} home="/" tools={recording.value && account.value && account.value.role !== "agent" && <Export id={recording.value.described.session.id} />} />;
}

async function start(): Promise<void> {
  const id = location.pathname.split("/")[2] ?? "";
  try {
    const me = get<{ account: Account }>("/api/me").then((r) => (account.value = r.account));
    me.catch(() => {}); // what opens the recording says the same
    for (let sealed = false; ; ) {
      try {
        recording.value = await Recording.open(id);
        signedIn.value = true;
        return;
      } catch (e) {
        await me;
        // Just ended: it is being sealed.
        const info = await get<{ state: string }>(`/api/sessions/${encodeURIComponent(id)}`).catch(() => undefined);
        if (info?.state !== "ended" && (sealed || info?.state !== "sealed")) throw e;
        sealed = info?.state === "sealed"; // since it was asked for
        await new Promise((done) => setTimeout(done, 700));
      }
    }
  } catch (e) {
    if (e instanceof Problem && e.status === 401) signedIn.value = false;
    else {
      signedIn.value = true; // whoever signed in a moment ago is told too
      trouble.value = (e as Error).message;
    }
  }
}

render(<App />, document.getElementById("app")!);
await start();
