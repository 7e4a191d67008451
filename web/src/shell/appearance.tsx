/** Light or dark: the user's choice, else what their system prefers. */

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';

const KEY = 'proflow.theme';
const PREFERS_DARK = '(prefers-color-scheme: dark)';

interface Appearance {
  dark: boolean;
  setDark: (dark: boolean) => void;
}

const Context = createContext<Appearance>({ dark: false, setDark: () => undefined });

export function AppearanceProvider({ children }: { children: ReactNode }) {
  const [chosen, setChosen] = useState(() => window.localStorage.getItem(KEY));
  const [preferred, setPreferred] = useState(() => window.matchMedia(PREFERS_DARK).matches);
  useEffect(() => {
    const media = window.matchMedia(PREFERS_DARK);
    const changed = () => setPreferred(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  const dark = chosen === null ? preferred : chosen === 'dark';
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  }, [dark]);
  const value = useMemo(
    () => ({
      dark,
      setDark: (next: boolean) => {
        window.localStorage.setItem(KEY, next ? 'dark' : 'light');
        setChosen(next ? 'dark' : 'light');
      },
    }),
    [dark],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export const useAppearance = () => useContext(Context);
