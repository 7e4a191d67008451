/** The language of the page: the user's choice, else the browser's. */

import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { kindOf, useKinds } from '../canvas/kinds';
import { type Language, MESSAGES, type MessageKey } from './messages';

export type { Language, MessageKey } from './messages';

const KEY = 'proflow.language';

export interface Texts {
  language: Language;
  setLanguage: (language: Language) => void;
  t: (key: MessageKey, values?: Record<string, string | number>) => string;
  /** What a word of the service is called (a status, an outcome); unknown ones stay as they are. */
  word: (
    group: 'status' | 'type' | 'outcome' | 'mode' | 'act' | 'setting' | 'choice' | 'category',
    name: string,
  ) => string;
  time: (iso: string | null | undefined) => string;
}

export function browserLanguage(): Language {
  const kept = window.localStorage.getItem(KEY);
  if (kept === 'zh' || kept === 'en') return kept;
  return navigator.languages.some((one) => one.toLowerCase().startsWith('zh')) ? 'zh' : 'en';
}

export function texts(language: Language, setLanguage: (language: Language) => void): Texts {
  const column = language === 'zh' ? 0 : 1;
  const format = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
  });
  const t: Texts['t'] = (key, values = {}) =>
    MESSAGES[key][column].replace(/\{(\w+)\}/g, (all, name: string) =>
      name in values ? String(values[name]) : all,
    );
  return {
    language,
    setLanguage,
    t,
    word: (group, name) => {
      if (group === 'type') return kindOf(name)?.title[language] ?? name;
      const key = `${group}.${name}`;
      return Object.hasOwn(MESSAGES, key) ? t(key as MessageKey) : name;
    },
    time: (iso) => (iso ? format.format(new Date(iso)) : ''),
  };
}

const Context = createContext<Texts | null>(null);

export function LanguageProvider({
  language: given,
  children,
}: {
  language?: Language;
  children: ReactNode;
}) {
  const [chosen, setChosen] = useState<Language>(() => given ?? browserLanguage());
  const language = given ?? chosen;
  const kinds = useKinds();
  const value = useMemo(
    () =>
      texts(language, (next) => {
        window.localStorage.setItem(KEY, next);
        setChosen(next);
      }),
    // Types of nodes are words, too.
    [language, kinds],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/** The texts of the page; outside of a provider, in the browser's language. */
export function useTexts(): Texts {
  const given = useContext(Context);
  const own = useMemo(() => texts(browserLanguage(), () => undefined), []);
  return given ?? own;
}

/** How long something took, shortly: `3 s`, `2 min 5 s`, `4 h 10 min`, `2 d 3 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}
