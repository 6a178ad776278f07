import { signal } from "@preact/signals";
import { render } from "preact";
import { get, Problem, type Account } from "../view/api.ts";
import { SignIn } from "../view/signin.tsx";
import { Home } from "./home.tsx";
import { Live } from "./live.tsx";

const account = signal<Account | null | undefined>(undefined);
const trouble = signal("");

function App() {
  if (trouble.value) return <main class="center"><p class="panel wrong" role="alert">{trouble.value}</p></main>;
  if (account.value === undefined) return <main class="center"><p>One moment…</p></main>;
  if (account.value === null) return <SignIn done={(a) => (account.value = a)} />;
  const live = /^\/live\/([\w-]+)$/.exec(location.pathname);
  if (live) return <Live session={live[1]!} account={account.value} />;
  const code = /^\/join\/([\d -]+)$/.exec(decodeURIComponent(location.pathname));
  return <Home account={account.value} code={code?.[1] ?? ""} />;
}

render(<App />, document.getElementById("app")!);
try {
  account.value = (await get<{ account: Account }>("/api/me")).account;
} catch (e) {
  if (e instanceof Problem && e.status === 401) account.value = null;
  else trouble.value = (e as Error).message;
}
