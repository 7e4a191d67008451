/** Who uses the page: the token that they gave, kept in this browser. */

const KEY = 'proflow.token';

function fromAddress(): string | null {
  const given = new URLSearchParams(window.location.hash.slice(1)).get('token');
  if (given === null) return null;
  // The fragment never leaves the browser; nor shall it stay in the history.
  window.history.replaceState(null, '', window.location.pathname + window.location.search);
  return given;
}

let current: string | null = null;

/** Take the token of the address (`#token=…`), else the one of last time.
 *
 * A link must not sign somebody in as another user unnoticed: `mayReplace` is asked if there is a session.
 */
export function restoreSession(mayReplace: () => boolean): void {
  const given = fromAddress();
  const before = window.sessionStorage.getItem(KEY) ?? window.localStorage.getItem(KEY);
  const replaces = given !== null && before !== null && given !== before;
  current = replaces && !mayReplace() ? before : (given ?? before);
  if (current !== null) signIn(current);
}

export function token(): string | null {
  return current;
}

/** A tab keeps whom it was opened for, so that two people can be tried side by side. */
export function signIn(given: string): void {
  current = given;
  window.sessionStorage.setItem(KEY, given);
  window.localStorage.setItem(KEY, given);
}

export function signOut(): void {
  current = null;
  window.sessionStorage.removeItem(KEY);
  window.localStorage.removeItem(KEY);
}
