import { signal } from "@preact/signals";
import { post, type Account } from "./api.ts";

const failed = signal("");
const busy = signal(false);

/** Asks for name and password. */
export function SignIn({ done }: { done: (a: Account) => void }) {
  const submit = async (e: Event) => {
    e.preventDefault();
    const form = new FormData(e.target as HTMLFormElement);
    busy.value = true;
    failed.value = "";
    try {
      done((await post<{ account: Account }>("/api/signin", { name: form.get("name"), password: form.get("password") })).account);
    } catch (err) {
      failed.value = (err as Error).message;
    }
    busy.value = false;
  };
  return (
    <main class="center">
      <form class="panel signin" onSubmit={submit}>
        <Brand />
        <h1>Sign in</h1>
        <label>
          Name
          <input name="name" autocomplete="username" required autofocus data-testid="name" />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required data-testid="password" />
        </label>
        <p class="wrong" role="alert">{failed.value}</p>
        <button class="primary" disabled={busy.value} data-testid="signin">Sign in</button>
      </form>
    </main>
  );
}

export function Brand() {
  return (
    <span class="brand">
      <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
        <circle cx="6" cy="15" r="4.5" fill="none" stroke="currentColor" stroke-width="2.4" />
        <circle cx="16" cy="15" r="4.5" fill="none" stroke="currentColor" stroke-width="2.4" />
        <path d="M6 15 L10 7 L14 7 L16 15" fill="none" stroke="#e0762a" stroke-width="2.4" stroke-linejoin="round" />
      </svg>
      Pillion
    </span>
  );
}
