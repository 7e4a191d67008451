/** All types of nodes, to be dragged in or added by keyboard. */

import { memo } from 'react';
import type { NodeTypeInfo } from '../api/types';
import { iconNamed } from '../canvas/icons';
import { useTexts } from '../i18n';
import { PALETTE_TYPE } from './actions';

/** Markdown without its marks. */
const plain = (text: string): string => text.replaceAll('`', '');

/** Types by their category, in the order in which the service lists them. */
export function groupsOf(types: readonly NodeTypeInfo[]): [string, NodeTypeInfo[]][] {
  const groups = new Map<string, NodeTypeInfo[]>();
  for (const one of types) {
    const known = groups.get(one.category);
    if (known) known.push(one);
    else groups.set(one.category, [one]);
  }
  return [...groups];
}

export const Palette = memo(function Palette({
  types,
  onAdd,
}: {
  types: readonly NodeTypeInfo[];
  onAdd: (type: string) => void;
}) {
  const { t, word, language } = useTexts();
  return (
    <nav className="app-card pf-palette" aria-label={t('edit.palette')}>
      <p className="app-soft app-note">{t('edit.paletteHelp')}</p>
      {groupsOf(types).map(([category, members]) => (
        <section key={category} aria-label={word('category', category)}>
          <p className="app-soft">{word('category', category)}</p>
          <ul>
            {members.map(({ type, icon, title, summary }) => {
              const Icon = iconNamed(icon);
              return (
                <li key={type}>
                  <button
                    type="button"
                    draggable
                    title={plain(summary[language])}
                    data-type={type}
                    onDragStart={(event) => {
                      event.dataTransfer.setData(PALETTE_TYPE, type);
                      event.dataTransfer.effectAllowed = 'copy';
                    }}
                    onClick={() => onAdd(type)}
                  >
                    <Icon aria-hidden /> {title[language]}
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </nav>
  );
});
