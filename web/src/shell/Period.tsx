/** From when to when: two fields of the browser's own, in the user's time. */

import { useId } from 'react';
import { useTexts } from '../i18n';

/** `2026-01-31T09:30` of the user's clock, as fields have it. */
export function local(iso: string | undefined): string {
  if (!iso || Number.isNaN(Date.parse(iso))) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function instant(text: string): string | undefined {
  const at = new Date(text);
  return text && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}

export function Period({
  since,
  until,
  onChange,
}: {
  since?: string;
  until?: string;
  onChange: (change: { since?: string; until?: string }) => void;
}) {
  const { t } = useTexts();
  const id = useId();
  const field = (name: 'since' | 'until', value: string | undefined) => (
    <>
      <label htmlFor={id + name}>{t(`runs.${name}`)}</label>
      <input
        id={id + name}
        className="app-input"
        type="datetime-local"
        value={local(value)}
        onChange={(event) => onChange({ [name]: instant(event.target.value) })}
      />
    </>
  );
  return (
    <>
      {field('since', since)}
      {field('until', until)}
    </>
  );
}
